//! The rival: what one would write by hand with axum and rusqlite for the same three endpoints, with a token and the same
//! durability (WAL, `synchronous=FULL`), and nothing else.

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Json, Router,
    extract::{self, Query, State},
    http::{HeaderMap, StatusCode},
    routing::get,
};
use rusqlite::{Connection, Row, config::DbConfig, params};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::sync::{mpsc, oneshot};

/// The token that the bare server wants.
pub(crate) const TOKEN: &str = "swb_bare";

/// How writes become durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Writes {
    /// Each in a transaction of its own, on a blocking thread: what most people write.
    Each,
    /// Those that wait share one transaction, on a thread of their own: what somebody writes who has measured.
    Together,
}

#[derive(Serialize)]
struct Clip {
    id: i64,
    title: String,
    file_path: String,
    description: Option<String>,
    game_name: Option<String>,
    game_id: Option<String>,
    tags: Option<Box<RawValue>>,
    metadata: Option<Box<RawValue>>,
    file_size: Option<i64>,
    duration: Option<i64>,
    resolution: Option<String>,
    fps: Option<f64>,
    codec: Option<String>,
    recorded_at: Option<String>,
    processed: bool,
    processing_status: Option<String>,
    created_at: String,
    updated_at: String,
}

#[derive(Deserialize)]
struct NewClip {
    title: String,
    file_path: String,
    description: Option<String>,
    game_name: Option<String>,
    game_id: Option<String>,
    tags: Option<Box<RawValue>>,
    clip_metadata: Option<Box<RawValue>>,
    file_size: Option<i64>,
    duration: Option<i64>,
    resolution: Option<String>,
    fps: Option<f64>,
    codec: Option<String>,
    recorded_at: Option<String>,
    #[serde(default)]
    processed: bool,
    processing_status: Option<String>,
}

#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    skip: i64,
    #[serde(default = "hundred")]
    limit: i64,
}

fn hundred() -> i64 {
    100
}

const SCHEMA: &str = "
    create table if not exists clip (
        id integer primary key, title text not null, file_path text not null, description text, game_name text,
        game_id text, tags text, metadata text, file_size integer, duration integer, resolution text, fps real,
        codec text, recorded_at text, processed integer not null, processing_status text, created_at text not null,
        updated_at text not null);
    create index if not exists clip_newest on clip (created_at desc, id desc);
    create table if not exists event (id integer primary key, name text not null, clip_id integer not null, data text not null);";

const COLUMNS: &str = "id, title, file_path, description, game_name, game_id, tags, metadata, file_size, duration, \
    resolution, fps, codec, recorded_at, processed, processing_status, created_at, updated_at";

type Failing<T> = Result<T, (StatusCode, String)>;

struct Bare {
    readers: Vec<Mutex<Connection>>,
    writer: Writer,
}

enum Writer {
    Each(Arc<Mutex<Connection>>),
    Together(mpsc::UnboundedSender<(NewClip, oneshot::Sender<Result<Clip, String>>)>),
}

/// Serves until it is killed; prints the address once it listens.
pub(crate) async fn serve(database: &Path, writes: Writes) -> anyhow::Result<()> {
    let writer = open(database, writes)?;
    writer.execute_batch(SCHEMA)?;
    let readers = (0..2).map(|_| open(database, writes).map(Mutex::new)).collect::<Result<Vec<_>, _>>()?;
    let writer = match writes {
        Writes::Each => Writer::Each(Arc::new(Mutex::new(writer))),
        Writes::Together => Writer::Together(write_together(writer)),
    };
    let bare = Arc::new(Bare { readers, writer });
    let app = Router::new()
        .route("/api/v1/clips", get(list).post(create))
        .route("/api/v1/clips/{id}", get(one))
        .route("/readyz", get(|| async { "ready" }))
        .with_state(bare);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on {}", listener.local_addr()?);
    axum::serve(listener, app).await?;
    Ok(())
}

fn open(database: &Path, writes: Writes) -> rusqlite::Result<Connection> {
    let connection = Connection::open(database)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "full")?;
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    connection.set_prepared_statement_cache_capacity(64);
    if writes == Writes::Together {
        // Otherwise SQLite prepares a statement again for each value that `limit` is given; who has measured knows.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    }
    Ok(connection)
}

fn check_token(headers: &HeaderMap) -> Failing<()> {
    let token = headers.get("authorization").and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    if token == Some(TOKEN) {
        Ok(())
    } else {
        Err((StatusCode::UNAUTHORIZED, "a token is wanted".to_owned()))
    }
}

async fn one(
    State(bare): State<Arc<Bare>>,
    headers: HeaderMap,
    extract::Path(id): extract::Path<i64>,
) -> Failing<Json<Clip>> {
    check_token(&headers)?;
    let clip = bare.read(|connection| {
        let mut statement =
            connection.prepare_cached(&format!("select {COLUMNS} from clip where id = ?1"))?;
        let mut rows = statement.query(params![id])?;
        rows.next()?.map(clip).transpose()
    })?;
    clip.map(Json).ok_or((StatusCode::NOT_FOUND, format!("Clip with id {id} not found")))
}

async fn list(
    State(bare): State<Arc<Bare>>,
    headers: HeaderMap,
    Query(page): Query<Page>,
) -> Failing<Json<Vec<Clip>>> {
    check_token(&headers)?;
    let clips = bare.read(|connection| {
        let sql = format!("select {COLUMNS} from clip order by created_at desc, id desc limit ?1 offset ?2");
        let mut statement = connection.prepare_cached(&sql)?;
        let clips = statement.query_map(params![page.limit, page.skip], clip)?;
        clips.collect()
    })?;
    Ok(Json(clips))
}

async fn create(
    State(bare): State<Arc<Bare>>,
    headers: HeaderMap,
    Json(new): Json<NewClip>,
) -> Failing<(StatusCode, Json<Clip>)> {
    check_token(&headers)?;
    if new.title.is_empty() || new.title.len() > 255 || new.file_path.is_empty() || new.file_path.len() > 500
    {
        return Err((
            StatusCode::UNPROCESSABLE_ENTITY,
            "title or file_path is too short or too long".to_owned(),
        ));
    }
    let failed = |error: String| (StatusCode::INTERNAL_SERVER_ERROR, error);
    let clip = match &bare.writer {
        Writer::Each(writer) => {
            let writer = Arc::clone(writer);
            let written = tokio::task::spawn_blocking(move || {
                let mut writer = writer.lock().unwrap_or_else(PoisonError::into_inner);
                let transaction =
                    writer.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
                let clip = insert(&transaction, new)?;
                transaction.commit()?;
                Ok::<_, rusqlite::Error>(clip)
            });
            written
                .await
                .map_err(|error| failed(error.to_string()))?
                .map_err(|error| failed(error.to_string()))?
        }
        Writer::Together(queue) => {
            let (give, given) = oneshot::channel();
            queue.send((new, give)).map_err(|error| failed(error.to_string()))?;
            given.await.map_err(|error| failed(error.to_string()))?.map_err(failed)?
        }
    };
    Ok((StatusCode::CREATED, Json(clip)))
}

/// A thread that writes all that waits in one transaction.
fn write_together(
    mut writer: Connection,
) -> mpsc::UnboundedSender<(NewClip, oneshot::Sender<Result<Clip, String>>)> {
    let (queue, mut waiting) = mpsc::unbounded_channel::<(NewClip, oneshot::Sender<Result<Clip, String>>)>();
    std::thread::spawn(move || {
        while let Some(first) = waiting.blocking_recv() {
            let Ok(transaction) = writer.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)
            else {
                return;
            };
            let mut done = Vec::new();
            let mut next = Some(first);
            while let Some((new, give)) = next {
                done.push((insert(&transaction, new).map_err(|error| error.to_string()), give));
                next = if done.len() < 128 { waiting.try_recv().ok() } else { None };
            }
            let committed = transaction.commit().map_err(|error| error.to_string());
            for (clip, give) in done {
                // Whoever asked may have gone meanwhile.
                let _ = give.send(committed.clone().and(clip));
            }
        }
    });
    queue
}

/// The clip, and the event that says so, as Switchboard writes one.
fn insert(connection: &Connection, new: NewClip) -> rusqlite::Result<Clip> {
    let now = jiff::Timestamp::now().to_string();
    let mut statement = connection.prepare_cached(
        "insert into clip (title, file_path, description, game_name, game_id, tags, metadata, file_size, duration, \
         resolution, fps, codec, recorded_at, processed, processing_status, created_at, updated_at) \
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?16)",
    )?;
    let id = statement.insert(params![
        new.title,
        new.file_path,
        new.description,
        new.game_name,
        new.game_id,
        new.tags.as_ref().map(|it| it.get()),
        new.clip_metadata.as_ref().map(|it| it.get()),
        new.file_size,
        new.duration,
        new.resolution,
        new.fps,
        new.codec,
        new.recorded_at,
        new.processed,
        new.processing_status,
        now,
    ])?;
    let clip = Clip {
        id,
        title: new.title,
        file_path: new.file_path,
        description: new.description,
        game_name: new.game_name,
        game_id: new.game_id,
        tags: new.tags,
        metadata: new.clip_metadata,
        file_size: new.file_size,
        duration: new.duration,
        resolution: new.resolution,
        fps: new.fps,
        codec: new.codec,
        recorded_at: new.recorded_at,
        processed: new.processed,
        processing_status: new.processing_status,
        created_at: now.clone(),
        updated_at: now,
    };
    let data = serde_json::to_string(&clip).unwrap_or_default();
    connection
        .prepare_cached("insert into event (name, clip_id, data) values ('clip.created', ?1, ?2)")?
        .execute(params![id, data])?;
    Ok(clip)
}

fn clip(row: &Row<'_>) -> rusqlite::Result<Clip> {
    let raw = |index| -> rusqlite::Result<Option<Box<RawValue>>> {
        Ok(row.get::<_, Option<String>>(index)?.and_then(|text| RawValue::from_string(text).ok()))
    };
    Ok(Clip {
        id: row.get(0)?,
        title: row.get(1)?,
        file_path: row.get(2)?,
        description: row.get(3)?,
        game_name: row.get(4)?,
        game_id: row.get(5)?,
        tags: raw(6)?,
        metadata: raw(7)?,
        file_size: row.get(8)?,
        duration: row.get(9)?,
        resolution: row.get(10)?,
        fps: row.get(11)?,
        codec: row.get(12)?,
        recorded_at: row.get(13)?,
        processed: row.get(14)?,
        processing_status: row.get(15)?,
        created_at: row.get(16)?,
        updated_at: row.get(17)?,
    })
}

impl Bare {
    fn read<T>(&self, read: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Failing<T> {
        let free = self.readers.iter().find_map(|reader| reader.try_lock().ok());
        let connection = match (free, self.readers.first()) {
            (Some(connection), _) => connection,
            (None, Some(reader)) => reader.lock().unwrap_or_else(PoisonError::into_inner),
            (None, None) => return Err((StatusCode::INTERNAL_SERVER_ERROR, "no reader".to_owned())),
        };
        read(&connection).map_err(|error| (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))
    }
}
