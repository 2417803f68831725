drop table throttle;
drop table external_identity;
drop table recovery_code;
drop table second_factor;
drop table code;
drop table session;
drop table account;
