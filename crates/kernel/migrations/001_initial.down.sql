drop table registration_config;
drop table registration;
drop table setting;
drop table enablement;
drop table plugin;
drop table token;
drop table organization;
