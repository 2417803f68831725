drop trigger audit_is_not_changed;
drop trigger audit_is_removed_by_age_alone;
drop trigger audit_chain_is_not_removed;
drop trigger audit_chain_only_grows;
drop table audit_chain;
alter table audit drop column hash;
alter table audit drop column plugin;
