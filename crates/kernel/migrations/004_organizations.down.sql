drop table organization_request;
drop table invitation;
alter table organization drop column purged_at;
alter table organization drop column removed_at;
