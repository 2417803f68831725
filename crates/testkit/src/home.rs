//! Where a stage keeps what it keeps.

use std::path::Path;

use switchboard_store::{Options, Store};
use tempfile::TempDir;
use tokio_postgres::NoTls;

/// Says that stages keep their tables in PostgreSQL: `postgres`. Every test of a plugin runs on it then.
const ENGINE: &str = "SWITCHBOARD_TEST_ENGINE";

/// Says where PostgreSQL is, by an address of somebody who may make databases and roles.
const SERVER: &str = "SWITCHBOARD_TEST_POSTGRES";

/// A folder that goes when it is dropped, and with it the database, where there is one. For tests that put together more than a
/// [`Stage`](crate::Stage) holds.
pub struct Home {
    folder: TempDir,
    database: Option<Database>,
}

/// A database of PostgreSQL that goes when it is dropped.
struct Database {
    server: String,
    name: String,
}

impl Home {
    /// A new one, on the engine that `SWITCHBOARD_TEST_ENGINE` names: `postgres`, or SQLite.
    pub async fn new() -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let database = match std::env::var(ENGINE).as_deref() {
            Ok("postgres") => Some(Database::new().await),
            _ => None,
        };
        Self { folder, database }
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The tables.
    pub async fn store(&self) -> Store {
        match &self.database {
            Some(database) => {
                let options = Options { connections: 8, ..Options::default() };
                Store::open_postgres(&database.url(), options).await.expect("a store on PostgreSQL")
            }
            None => Store::open_sqlite(&self.folder.path().join("db"), Options::default()).expect("a store"),
        }
    }
}

impl Database {
    async fn new() -> Self {
        let server = std::env::var(SERVER)
            .unwrap_or_else(|_| "postgres://postgres@127.0.0.1:5432/postgres".to_owned());
        let number = std::time::SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_nanos());
        let name = format!("swb_stage_{}_{number}", std::process::id());
        let made = asked(&server, &format!("create database {name}")).await;
        made.unwrap_or_else(|error| panic!("PostgreSQL is not reachable at {server}: {error}"));
        Self { server, name }
    }

    fn url(&self) -> String {
        let start = self.server.rsplit_once('/').map_or(self.server.as_str(), |(start, _)| start);
        format!("{start}/{}", self.name)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let (server, name) = (self.server.clone(), self.name.clone());
        let cleaning = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
            runtime.block_on(async {
                let number = format!("select oid::text from pg_database where datname = '{name}'");
                let number = asked(&server, &number).await.ok()?.pop()?;
                asked(&server, &format!("drop database {name} with (force)")).await.ok()?;
                let roles =
                    format!("select rolname::text from pg_roles where rolname like 'swb\\_{number}\\_%'");
                for role in asked(&server, &roles).await.ok()? {
                    asked(&server, &format!("drop role {role}")).await.ok()?;
                }
                Some(())
            })
        });
        let _ = cleaning.join();
    }
}

async fn asked(url: &str, sql: &str) -> Result<Vec<String>, tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    let driver = tokio::spawn(connection);
    let rows = client.query(sql, &[]).await?;
    drop(client);
    let _ = driver.await;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}
