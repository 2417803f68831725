drop table listener_pause;
