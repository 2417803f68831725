-- The audit log as a chain: each line carries the hash of the one before it, and none is changed.

alter table audit add column plugin text;
alter table audit add column hash text not null default '';

-- One row: the last line there is, and the last of those that were removed when their time was over.
create table audit_chain (
    one          integer primary key check (one = 1),
    last_id      bigint  not null,
    last_hash    text    not null,
    removed_id   bigint  not null,
    removed_hash text    not null
);

-- Lines from before there was a chain are not part of it.
insert into audit_chain (one, last_id, last_hash, removed_id, removed_hash)
select 1, coalesce(max(id), 0), '', coalesce(max(id), 0), '' from audit;

create trigger audit_is_not_changed before update on audit
begin
    select raise(abort, 'a line of the audit log is never changed');
end;

create trigger audit_is_removed_by_age_alone before delete on audit
when old.id > (select removed_id from audit_chain)
begin
    select raise(abort, 'a line of the audit log is removed only when its time is over');
end;

create trigger audit_chain_is_not_removed before delete on audit_chain
begin
    select raise(abort, 'the end of the audit log is never removed');
end;

create trigger audit_chain_only_grows before update on audit_chain
when new.last_id < old.last_id or new.removed_id < old.removed_id or new.removed_id > new.last_id
begin
    select raise(abort, 'the audit log only grows');
end;
