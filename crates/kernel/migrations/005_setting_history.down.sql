drop table setting_history;
