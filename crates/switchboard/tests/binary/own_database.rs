//! A PostgreSQL database for one test.

/// A database of this test's own, dropped with it.
pub(crate) struct OwnDatabase {
    server: String,
    name: String,
}

impl OwnDatabase {
    /// None where no PostgreSQL is reachable, which on the build machine is a fault.
    pub(crate) fn new(purpose: &str) -> Option<Self> {
        let server = std::env::var("SWITCHBOARD_TEST_POSTGRES");
        let server = server.unwrap_or_else(|_| "postgres://postgres@127.0.0.1:5432/postgres".to_owned());
        let own = Self { server, name: format!("switchboard_{purpose}_{}", std::process::id()) };
        if own.run(&format!("create database {}", own.name)) {
            return Some(own);
        }
        assert!(std::env::var_os("CI").is_none(), "PostgreSQL is not reachable at {}", own.server);
        eprintln!("SKIPPED: {purpose} on PostgreSQL: it is not reachable at {}", own.server);
        None
    }

    fn run(&self, sql: &str) -> bool {
        let psql =
            std::process::Command::new("psql").args(["--no-psqlrc", &self.server, "--command", sql]).output();
        psql.is_ok_and(|psql| psql.status.success())
    }

    /// Ends every connection to it, as a restart of PostgreSQL or a break of the network does.
    pub(crate) fn end_connections(&self) {
        let sql =
            format!("select pg_terminate_backend(pid) from pg_stat_activity where datname = '{}'", self.name);
        assert!(self.run(&sql), "{sql}");
    }

    /// The first cell that a statement gives in this database; nothing when it fails.
    pub(crate) fn ask(&self, sql: &str) -> String {
        let (how, address) = (["--no-psqlrc", "--no-align", "--tuples-only"], self.address());
        let psql =
            std::process::Command::new("psql").args(how).args([&address, "--command", sql]).output().unwrap();
        String::from_utf8(psql.stdout).unwrap().trim().to_owned()
    }

    /// Puts a copy of all that is in this database into another, as docs/databases.md says.
    pub(crate) fn copy_into(&self, other: &Self, file: &std::path::Path) {
        let run = |program: &str, args: &[&str]| {
            let done = std::process::Command::new(program).args(args).arg(file).output().unwrap();
            assert!(done.status.success(), "{program}: {}", String::from_utf8_lossy(&done.stderr));
        };
        run("pg_dump", &["--format=custom", "--dbname", &self.address(), "--file"]);
        run(
            "pg_restore",
            &["--no-owner", "--no-privileges", "--exit-on-error", "--dbname", &other.address()],
        );
    }

    pub(crate) fn address(&self) -> String {
        match self.server.rsplit_once('/') {
            Some((server, _)) => format!("{server}/{}", self.name),
            None => self.server.clone(),
        }
    }
}

impl Drop for OwnDatabase {
    fn drop(&mut self) {
        let number = self.ask("select oid from pg_database where datname = current_database()");
        self.run(&format!("drop database if exists {} with (force)", self.name));
        // The roles of its rooms belong to the whole server.
        self.run(&format!(
            "do $$ declare it record; begin
                for it in select rolname from pg_roles where rolname like 'swb\\_{number}\\_%' loop
                    execute format('drop role %I', it.rolname);
                end loop;
            end $$"
        ));
    }
}
