//! Copies of a room: schemas beside it, made while it serves, and put back in one step.

use tokio_postgres::error::SqlState;

use super::fault::Fault;
use super::link::Link;
use super::room::Room;
use super::store::text_of;
use crate::{Error, Migration};

/// How long a copy may take to be made or put back.
const COPY_SECONDS: u32 = 3600;

/// How long each table is waited for that is to be dropped. Whoever reads several takes one after the other, so that each side
/// may wait for what the other has; PostgreSQL would end the reader after a second, by default.
const TABLE_MILLISECONDS: u32 = 200;

/// How often all of them are asked for, before whoever wants to drop them is told that they are in use.
const MOST_TRIES: u32 = 100;

impl Room {
    /// Copies the room into a schema beside it, and says which. Nobody waits for it.
    pub(crate) async fn save(&self) -> Result<String, Error> {
        let saved = async {
            self.inner.is_served()?;
            let copy = self.free_copy().await?;
            let mut lent = self.inner.connection().await?;
            let link = lent.link()?;
            let begin = format!(
                "begin isolation level repeatable read; set local statement_timeout = '{COPY_SECONDS}s'"
            );
            let work = copy_tables(&self.inner.names.schema, &copy);
            match alone(link, &begin, &[&work]).await {
                Ok(()) => Ok(copy),
                Err(fault) => {
                    self.drop_copy(&copy).await?;
                    Err(fault)
                }
            }
        };
        saved.await.map_err(|fault| self.inner.error(fault))
    }

    /// Puts the copy in place of all that is in the room.
    pub(crate) async fn restore(&self, copy: &str) -> Result<(), Error> {
        self.overwrite(Some(copy)).await
    }

    pub(crate) async fn clear(&self) -> Result<(), Error> {
        self.overwrite(None).await
    }

    pub(crate) async fn discard(&self, copy: &str) -> Result<(), Error> {
        self.drop_copy(copy).await.map_err(|fault| self.inner.error(fault))
    }

    pub(crate) async fn rehearse(&self, migrations: &[Migration]) -> Result<(), Error> {
        let copy = self.save().await?;
        let migrated = self.at(&copy).migrate(migrations).await;
        let removed = self.discard(&copy).await;
        migrated.map(drop).and(removed)
    }

    /// Reads every row, and looks whether PostgreSQL holds each index and reference for sound.
    pub(crate) async fn check(&self) -> Result<(), Error> {
        let schema = &self.inner.names.schema;
        let checked = async {
            let mut lent = self.inner.connection().await?;
            let link = lent.link()?;
            let read = format!(
                "do $check$ declare it record; begin
                    for it in select relname from pg_catalog.pg_class
                        where relnamespace = '{schema}'::regnamespace and relkind = 'r' loop
                        execute format('select count(length(t::text)) from {schema}.%I t', it.relname);
                    end loop;
                end $check$"
            );
            let begin = format!("begin; set local statement_timeout = '{COPY_SECONDS}s'");
            alone(link, &begin, &[&read]).await?;
            let unsound = format!(
                "select coalesce((select string_agg(said, ', ') from (
                    select 'the index ' || i.indexrelid::regclass || ' is not valid' as said from pg_catalog.pg_index i
                        join pg_catalog.pg_class c on c.oid = i.indrelid
                        where c.relnamespace = '{schema}'::regnamespace and not i.indisvalid
                    union all
                    select 'the constraint ' || conname || ' was never looked at' from pg_catalog.pg_constraint
                        where connamespace = '{schema}'::regnamespace and not convalidated) as all_of_it), '')"
            );
            text_of(link, &unsound).await
        };
        let said = checked.await.map_err(|fault| self.inner.error(fault))?;
        if said.is_empty() {
            return Ok(());
        }
        Err(Error::Corrupt { room: self.inner.name.clone(), why: said })
    }

    pub(crate) async fn size(&self) -> Result<u64, Error> {
        let schema = &self.inner.names.schema;
        let sql = format!(
            "select coalesce(sum(pg_catalog.pg_total_relation_size(oid)), 0)::text from pg_catalog.pg_class
            where relnamespace = '{schema}'::regnamespace and relkind in ('r', 'p')"
        );
        let asked = async { text_of(self.inner.connection().await?.link()?, &sql).await };
        let bytes = asked.await.map_err(|fault| self.inner.error(fault))?;
        Ok(bytes.parse().unwrap_or_default())
    }

    async fn overwrite(&self, copy: Option<&str>) -> Result<(), Error> {
        let _turn = self.inner.turn.write().await;
        let names = &self.inner.names;
        let (schema, lock) = (&names.schema, names.lock);
        let empty = format!(
            "do $empty$ declare it record; begin
                for it in select relname, relkind from pg_catalog.pg_class
                    where relnamespace = '{schema}'::regnamespace and relkind in ('v', 'r') order by relkind desc loop
                    execute format('drop %s if exists {schema}.%I cascade',
                        case it.relkind when 'v' then 'view' else 'table' end, it.relname);
                end loop;
            end $empty$"
        );
        let mut work = vec![empty, "set local lock_timeout = 0".to_owned()];
        if let Some(copy) = copy {
            work.push(copy_tables(copy, schema));
            work.push(names.settle());
        }
        let work: Vec<&str> = work.iter().map(String::as_str).collect();
        let begin = format!(
            "begin; set local statement_timeout = '{COPY_SECONDS}s'; select pg_catalog.pg_advisory_xact_lock({lock});
            set local lock_timeout = '{TABLE_MILLISECONDS}ms'"
        );
        let overwritten = async {
            self.inner.is_served()?;
            let mut lent = self.inner.connection().await?;
            let link = lent.link()?;
            if let Some(copy) = copy {
                let there = format!("select coalesce(to_regnamespace('{copy}')::text, '')");
                if text_of(link, &there).await?.is_empty() {
                    return Err(Fault::Unavailable(format!("its copy {copy} is not there")));
                }
            }
            for _ in 0..MOST_TRIES {
                match alone(link, &begin, &work).await {
                    // Those who held us up go on in between.
                    Err(fault) if fault.is(&SqlState::LOCK_NOT_AVAILABLE) => tokio::task::yield_now().await,
                    result => return result,
                }
            }
            Err(Fault::Unavailable("its tables are in use all the time".to_owned()))
        };
        overwritten.await.map_err(|fault| self.inner.error(fault))
    }

    /// Makes a schema for a copy, under the first number that is free.
    async fn free_copy(&self) -> Result<String, Fault> {
        let names = &self.inner.names;
        let (schema, host, maker) = (&names.schema, &names.host, &names.maker);
        let mut owner = self.inner.house.as_owner().await?;
        let link = owner.link()?;
        for number in 1..100 {
            let copy = format!("{schema}_copy_{number}");
            let there =
                text_of(link, &format!("select coalesce(to_regnamespace('{copy}')::text, '')")).await?;
            if !there.is_empty() {
                continue;
            }
            let made = format!(
                "create schema {copy}; revoke all on schema {copy} from public;
                grant usage, create on schema {copy} to {host}, {maker}"
            );
            match link.control(&made).await {
                Err(fault) if fault.is(&SqlState::DUPLICATE_SCHEMA) => {}
                result => return result.map(|()| copy),
            }
        }
        Err(Fault::Unavailable("there is no free name for a copy".to_owned()))
    }

    async fn drop_copy(&self, copy: &str) -> Result<(), Fault> {
        self.inner
            .house
            .as_owner()
            .await?
            .link()?
            .control(&format!("drop schema if exists {copy} cascade"))
            .await
    }
}

/// Does all of it in one transaction.
async fn alone(link: &mut Link, begin: &str, work: &[&str]) -> Result<(), Fault> {
    link.is_open = true;
    let done = async {
        link.control(begin).await?;
        for piece in work {
            link.control(piece).await?;
        }
        link.control("commit").await
    };
    if let Err(fault) = done.await {
        if !fault.is_broken() {
            link.control("rollback").await?;
            link.is_open = false;
        }
        return Err(fault);
    }
    link.is_open = false;
    Ok(())
}

/// Makes the tables of a schema in another that is empty, with their rows, constraints, indices, numbers, owners and views.
fn copy_tables(from: &str, to: &str) -> String {
    format!(
        r"do $copy$
        declare
            it record;
            part record;
            columns text;
            later text[] := '{{}}';
        begin
            -- What is read of definitions names what is in this schema without it, so that it holds in the other as well.
            perform set_config('search_path', '{from}, pg_temp', true);
            for it in select c.oid, c.relname, pg_get_userbyid(c.relowner) as owner from pg_catalog.pg_class c
                where c.relnamespace = '{from}'::regnamespace and c.relkind = 'r' order by c.oid
            loop
                execute format('create table {to}.%I (like {from}.%I including defaults including generated
                    including identity including storage including comments)', it.relname, it.relname);
                select string_agg(quote_ident(attname), ', ' order by attnum) into columns from pg_catalog.pg_attribute
                    where attrelid = it.oid and attnum > 0 and not attisdropped and attgenerated = '';
                if columns is not null then
                    execute format('insert into {to}.%I (%s) overriding system value select %s from {from}.%I',
                        it.relname, columns, columns, it.relname);
                end if;
                for part in select attname from pg_catalog.pg_attribute
                    where attrelid = it.oid and attnum > 0 and not attisdropped and attidentity <> ''
                loop
                    execute format('select setval(%L, last_value, is_called) from %s',
                        pg_get_serial_sequence(format('{to}.%I', it.relname), part.attname),
                        pg_get_serial_sequence(format('{from}.%I', it.relname), part.attname));
                end loop;
                if it.owner <> current_user then
                    later := later || format('alter table {to}.%I owner to %I', it.relname, it.owner);
                end if;
            end loop;
            for part in select con.conname, rel.relname, pg_get_constraintdef(con.oid) as definition
                from pg_catalog.pg_constraint con join pg_catalog.pg_class rel on rel.oid = con.conrelid
                where rel.relnamespace = '{from}'::regnamespace and rel.relkind = 'r' and con.contype in ('p', 'u', 'c', 'x', 'f')
                order by con.contype = 'f' desc, con.oid desc
            loop
                later := format('alter table {to}.%I add constraint %I %s', part.relname, part.conname, part.definition) || later;
            end loop;
            for part in select pg_get_indexdef(i.indexrelid, 0, true) as definition from pg_catalog.pg_index i
                join pg_catalog.pg_class rel on rel.oid = i.indrelid
                where rel.relnamespace = '{from}'::regnamespace
                    and not exists (select 1 from pg_catalog.pg_constraint where conindid = i.indexrelid and contype <> 'f')
            loop
                later := later || part.definition;
            end loop;
            for it in select c.oid, c.relname, pg_get_userbyid(c.relowner) as owner from pg_catalog.pg_class c
                where c.relnamespace = '{from}'::regnamespace and c.relkind = 'v' order by c.oid
            loop
                later := later || format('create view {to}.%I as %s', it.relname, pg_get_viewdef(it.oid, true));
                later := later || format('alter view {to}.%I owner to %I', it.relname, it.owner);
            end loop;
            perform set_config('search_path', '{to}, pg_temp', true);
            foreach columns in array later loop
                execute columns;
            end loop;
            perform set_config('search_path', '{from}, pg_temp', true);
        end $copy$"
    )
}
