drop table plugin_version;
