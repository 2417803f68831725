drop table rollout;
drop table plugin_access;
