drop table entry;
