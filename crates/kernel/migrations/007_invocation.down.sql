drop table capture;
drop table invocation;
