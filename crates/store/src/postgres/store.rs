//! A database with a schema for each room.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use tokio::sync::{OnceCell, broadcast};

use super::address::{Address, Login};
use super::connections::{Connections, Lent, Who};
use super::fault::{Fault, said};
use super::link::{Link, Want};
use super::locks::Locks;
use super::notices;
use super::roles::{self, Names, ROOM_COMMENT, hex, number};
use super::room::Room;
use crate::name::is_room_name;
use crate::options::Options;
use crate::{Error, Notice, Tenant};

/// A database with a schema for each room. Cloning it is cheap.
#[derive(Clone)]
pub(crate) struct Store {
    pub(crate) house: Arc<House>,
}

/// What all rooms share.
pub(crate) struct House {
    pub(crate) connections: Arc<Connections>,
    pub(crate) options: Options,
    pub(crate) runtime: tokio::runtime::Handle,
    /// As whom the operator's address signs in.
    owner: Who,
    /// With what tenants are signed.
    key: String,
    /// The database's number and name.
    database: (u32, String),
    rooms: Mutex<HashMap<String, Arc<OnceCell<Room>>>>,
    pub(crate) locks: Locks,
    /// Tells this process's notices from others'.
    pub(crate) own: String,
    pub(crate) heard: OnceLock<broadcast::Sender<Notice>>,
}

impl Store {
    /// Signs in, and makes what the store keeps for all rooms.
    pub(crate) async fn open(url: &str, options: Options) -> Result<Self, Error> {
        let address = Address::parse(url, &options)?;
        let name: Arc<str> = Arc::clone(&address.shown);
        let limit = options.statement_time;
        let connections = Connections::new(address, options.connections);
        let milliseconds = limit.as_millis().max(1);
        let settings = format!("-c statement_timeout={milliseconds} -c search_path=pg_catalog,pg_temp");
        let owner = Who { user: "".into(), login: Login { user: None, settings } };
        let opened = async {
            let mut lent = connections.get(&owner, |_| String::new()).await?;
            let link = lent.link()?;
            let database = text_of(
                link,
                "select oid::text || ' ' || datname from pg_database where datname = current_database()",
            )
            .await?;
            let (number_of, database) = database.split_once(' ').unwrap_or_default();
            let oid = number_of.parse().unwrap_or_default();
            let fresh = hex(&rand::random::<[u8; 32]>(), 32);
            let there = text_of(link, "select coalesce(to_regclass('switchboard.secret')::text, '')").await?;
            if there.is_empty() {
                let lock = number(&["house"]);
                let make = roles::make_house(&fresh);
                link.control(&format!("begin; select pg_advisory_xact_lock({lock}); {make} commit")).await?;
            }
            let key = text_of(link, "select key from switchboard.secret").await?;
            Ok::<_, Fault>((key, (oid, database.to_owned())))
        };
        let (key, database) = opened.await.map_err(|fault| match fault.of(&name, limit) {
            Error::Unavailable { room, why } => {
                let advice = match why.contains("certificate") {
                    true => "Name the authority of its certificate by the environment variable SSL_CERT_FILE",
                    false => "Look whether PostgreSQL runs there, and whether the user and password of the address are right",
                };
                let why = format!("{why}. {advice}");
                Error::Unavailable { room, why }
            }
            Error::Forbidden { room, why } => {
                let why = format!("{why}. The user of the address must be the owner of the database and may `createrole`");
                Error::Forbidden { room, why }
            }
            other => other,
        })?;
        let house = House {
            connections,
            options,
            runtime: tokio::runtime::Handle::current(),
            owner,
            key,
            database,
            rooms: Mutex::default(),
            locks: Locks::default(),
            own: hex(&rand::random::<[u8; 8]>(), 8),
            heard: OnceLock::new(),
        };
        Ok(Self { house: Arc::new(house) })
    }

    pub(crate) fn address(&self) -> &Arc<str> {
        self.house.address()
    }

    pub(crate) async fn room(&self, name: &str) -> Result<Room, Error> {
        if !is_room_name(name) {
            return Err(Error::BadRoomName { name: name.to_owned() });
        }
        let cell = {
            let mut rooms = self.house.rooms.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(rooms.entry(name.to_owned()).or_default())
        };
        cell.get_or_try_init(|| Room::open(Arc::clone(&self.house), name.into())).await.cloned()
    }

    pub(crate) async fn rooms(&self) -> Result<Vec<String>, Error> {
        let house = &self.house;
        let sql = "select coalesce(string_agg(substr(said, 19), ' ' order by said), '') from
            (select obj_description(oid, 'pg_namespace') as said from pg_namespace) as schemas
            where said like 'Switchboard room: %'";
        let asked = async {
            let mut lent = house.as_owner().await?;
            text_of(lent.link()?, sql).await
        };
        let names = asked.await.map_err(|fault| fault.of(house.address(), house.options.statement_time))?;
        let mut names: Vec<String> = names.split_whitespace().map(str::to_owned).collect();
        names.sort_unstable();
        Ok(names)
    }

    pub(crate) async fn remove(&self, name: &str) -> Result<(), Error> {
        if !self.rooms().await?.iter().any(|room| room == name) {
            return Ok(());
        }
        let room = self.room(name).await?;
        // Waits for those who still read its tables, which the owner of the database would not.
        room.clear().await?;
        room.close().await;
        let schema = &room.inner.names.schema;
        // The name of another room may be that of a copy of this one.
        let dropped = format!(
            "do $remove$ declare it record; begin
                for it in select nspname from pg_catalog.pg_namespace where nspname = '{schema}' or (nspname ~ '^{schema}_copy_[0-9]+$'
                    and coalesce(pg_catalog.obj_description(oid, 'pg_namespace'), '') not like '{ROOM_COMMENT}%')
                loop
                    execute format('drop schema %I cascade', it.nspname);
                end loop;
            end $remove$"
        );
        let removed = async { self.house.as_owner().await?.link()?.control(&dropped).await };
        removed.await.map_err(|fault| room.inner.error(fault))?;
        self.house.rooms.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
        Ok(())
    }

    pub(crate) async fn announce(&self, topic: &str, payload: &str) -> Result<(), Error> {
        let house = &self.house;
        let said = notices::statement(&house.own, topic, payload)
            .map_err(|why| Error::TooLarge { room: Arc::clone(house.address()), why })?;
        let told = async { house.as_owner().await?.link()?.control(&said).await };
        told.await.map_err(|fault| fault.of(house.address(), house.options.statement_time))
    }

    pub(crate) fn changes(&self) -> broadcast::Receiver<Notice> {
        let heard = self.house.heard.get_or_init(|| notices::listen(&self.house));
        heard.subscribe()
    }

    pub(crate) async fn close(&self) {
        let rooms = std::mem::take(&mut *self.house.rooms.lock().unwrap_or_else(PoisonError::into_inner));
        for cell in rooms.into_values() {
            if let Ok(room) = cell.get_or_try_init(|| async { Err(()) }).await {
                room.close().await;
            }
        }
        self.house.locks.close();
        self.house.connections.close_idle();
    }
}

impl House {
    pub(crate) fn address(&self) -> &Arc<str> {
        &self.connections.address().shown
    }

    /// A connection of the operator's own user.
    pub(crate) async fn as_owner(&self) -> Result<Lent, Fault> {
        self.connections.get(&self.owner, |_| String::new()).await
    }

    pub(crate) fn owner(&self) -> &Login {
        &self.owner.login
    }

    /// A connection with the host's face of a room. Who asks through it sees the rows of every tenant.
    pub(crate) async fn as_host(&self, who: &Who) -> Result<Lent, Fault> {
        self.connections.get(who, |pid| self.say_tenant(Tenant::All, pid, false)).await
    }

    pub(crate) fn say_tenant(&self, tenant: Tenant, pid: i32, is_local: bool) -> String {
        roles::say_tenant(tenant, &self.key, pid, is_local)
    }

    /// What a connection of a room is set to, with what names no schema in this one.
    pub(crate) fn settings_of(&self, schema: &str) -> String {
        let milliseconds = self.options.statement_time.as_millis().max(1);
        let abandoned = self.options.transaction_time.as_millis().saturating_mul(4).max(20_000);
        format!(
            "-c search_path={schema},pg_temp -c statement_timeout={milliseconds} \
             -c idle_in_transaction_session_timeout={abandoned}"
        )
    }

    /// The names of a room's schema and roles, which are made where they are not there, and as whom to sign in.
    pub(crate) async fn found(&self, room: &str) -> Result<(Names, Who), Fault> {
        let names = Names::of(room, self.database.0);
        let password = roles::password_of(&names.host, self.connections.address().password(), &self.key);
        let (schema, settings) = (&names.schema, self.settings_of(&names.schema));
        let login = Login { user: Some((names.host.to_string(), password.clone())), settings };
        let who = Who { user: Arc::clone(&names.host), login };
        let host = &names.host;
        let there = format!(
            "select coalesce((select 'there' from pg_namespace n, pg_roles r where n.nspname = '{schema}' and r.rolname = '{host}'
                and has_schema_privilege(r.oid, n.oid, 'create')), '')"
        );
        let mut owner = self.as_owner().await?;
        let is_there = !text_of(owner.link()?, &there).await?.is_empty();
        if is_there {
            drop(owner);
            match self.as_host(&who).await {
                Ok(_) => return Ok((names, who)),
                Err(fault) if fault.is(&tokio_postgres::error::SqlState::INVALID_PASSWORD) => {
                    tracing::info!(room, "the password of its role is set anew");
                    owner = self.as_owner().await?;
                }
                Err(fault) => return Err(fault),
            }
        }
        let (lock, make) = (number(&["house"]), names.make(room, &password, &self.database.1));
        let holds_foreign = !is_there && text_of(owner.link()?, &names.holds_foreign()).await? != "0";
        let adopt = if holds_foreign { names.adopt() } else { String::new() };
        let made = format!("begin; select pg_advisory_xact_lock({lock}); {make}; {adopt}; commit");
        let link = owner.link()?;
        if let Err(fault) = link.control(&made).await {
            link.is_open = true;
            return Err(match fault {
                Fault::Database(error) => Fault::Forbidden(format!(
                    "its schema and roles cannot be made: {}. The user of the database's address must own the database and may `createrole`",
                    said(&error)
                )),
                other => other,
            });
        }
        Ok((names, who))
    }
}

/// The one text that a statement gives.
pub(crate) async fn text_of(link: &mut Link, sql: &str) -> Result<String, Fault> {
    let prepared = link.prepare(sql, &[]).await?;
    let rows = link.run("", &prepared, &[], Want::Rows, "").await?.into_rows();
    Ok(rows.to::<String>().ok().and_then(|mut all| all.pop()).unwrap_or_default())
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Store").field(self.address()).finish()
    }
}
