drop table invocation;
