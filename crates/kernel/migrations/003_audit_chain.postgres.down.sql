drop table audit_chain;
alter table audit drop column hash;
alter table audit drop column plugin;
