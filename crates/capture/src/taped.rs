//! Each capability, recorded or played.

use std::{
    io::{Cursor, Read, Seek, SeekFrom},
    ops::Range,
    sync::Arc,
};

use bytes::Bytes;
use serde_json::{Value as Json, json};
use switchboard_api::{
    Body, BoxFuture, Context, Failure, Fault, Host, NewEvent, Payload, Rows, Secret, Timestamp, Value,
    capability::{
        Audit, AuditEntry, Authority, Blob, BlobFile, BlobInfo, BlobKey, Blobs, Clock, Compute, Config, Db,
        Engine, Events, Filters, Http, HttpRequest, HttpResponse, Kv, KvEntry, KvTerms, Level, Log, Mail,
        MailMessage, Metrics, Plan, Progress, Random, Reading, Schedule, Scheduled, Schemas, Secrets,
        Services, Transaction, Work,
    },
};
use switchboard_manifest::PluginId;

use crate::{
    tape::{Tape, Taped},
    wire::Wire,
};

/// Of a body or a file no more is captured.
pub(crate) const MOST: u64 = 1 << 20;

/// A host through which the tape is recorded; or, where there is no real one, one that the tape plays. What was not granted when it was
/// recorded is not granted when it is played either: its refusals are on the tape.
pub(crate) fn host(real: Option<&Host>, plugin: &PluginId, tape: &Arc<Tape>) -> Host {
    macro_rules! given {
        ($($name:ident),+) => {
            Host {
                plugin: plugin.clone(),
                $($name: Arc::new(Taped { real: real.map(|real| Arc::clone(&real.$name)), tape: Arc::clone(tape) }),)+
                db: granted!(db: Db),
                kv: granted!(kv: Kv),
                blobs: granted!(blobs: Blobs),
                events: granted!(events: Events),
                services: granted!(services: Services),
                schedule: granted!(schedule: Schedule),
                secrets: granted!(secrets: Secrets),
                http: granted!(http: Http),
                mail: granted!(mail: Mail),
                faults: real.and_then(|real| real.faults.clone()),
            }
        };
    }
    macro_rules! granted {
        ($name:ident: $trait:ident) => {
            match real.map(|real| real.$name.clone()) {
                // Whoever is called again may be told that it has it: only what is on the tape is answered.
                None => Some(Arc::new(Taped::<dyn $trait> { real: None, tape: Arc::clone(tape) }) as _),
                Some(None) => None,
                Some(real) => Some(Arc::new(Taped { real, tape: Arc::clone(tape) }) as _),
            }
        };
    }
    given!(audit, authority, log, clock, random, config, schemas, compute, filters, metrics)
}

impl Audit for Taped<dyn Audit> {
    fn record<'a>(&'a self, context: &'a Context, entry: AuditEntry) -> BoxFuture<'a, Result<(), Failure>> {
        let with = json!({ "action": entry.action, "subject": entry.subject });
        self.ask("audit.record", with, |real| real.record(context, entry))
    }
}

impl Authority for Taped<dyn Authority> {
    fn require(&self, context: &Context, action: &str, resource: Option<&str>) -> Result<(), Failure> {
        let with = json!({ "action": action, "thing": resource });
        self.ask_at_once("call.require", with, |real| real.require(context, action, resource))?
    }
}

impl Log for Taped<dyn Log> {
    fn write(&self, context: &Context, level: Level, message: &str) {
        match &self.real {
            Some(real) => real.write(context, level, message),
            None => self.tape.say(level, message),
        }
    }
}

impl Clock for Taped<dyn Clock> {
    fn now(&self) -> Timestamp {
        // One that looks at the time more often than before sees the last time again.
        let now = self.ask_idly("clock.now", Json::Null, |real| real.now());
        self.tape.time(now)
    }
}

impl Random for Taped<dyn Random> {
    fn fill(&self, bytes: &mut [u8]) {
        let with = json!({ "bytes": bytes.len() });
        let filled = self.ask_idly("random.fill", with, |real| {
            real.fill(bytes);
            Bytes::copy_from_slice(bytes)
        });
        if let Some(filled) = filled.filter(|filled| filled.len() == bytes.len()) {
            bytes.copy_from_slice(&filled);
        }
    }
}

impl Config for Taped<dyn Config> {
    fn read(&self, context: &Context) -> Result<Payload, Failure> {
        self.ask_at_once("config.read", Json::Null, |real| real.read(context))?
    }
}

impl Schemas for Taped<dyn Schemas> {
    fn check(&self, schema: &Json, value: &Json, root: &[&str]) -> Vec<Fault> {
        let with = json!({ "value": value, "root": root });
        self.ask_at_once("schemas.check", with, |real| real.check(schema, value, root)).unwrap_or_default()
    }
}

impl Compute for Taped<dyn Compute> {
    fn run<'a>(&'a self, context: &'a Context, work: Work) -> BoxFuture<'a, Result<(), Failure>> {
        match &self.real {
            Some(real) => real.run(context, work),
            None => {
                work();
                Box::pin(std::future::ready(Ok(())))
            }
        }
    }
}

impl Filters for Taped<dyn Filters> {
    fn apply<'a>(
        &'a self,
        context: &'a Context,
        point: &'a str,
        payload: Payload,
    ) -> BoxFuture<'a, Result<Payload, Failure>> {
        let with = json!({ "point": point, "payload": payload.out() });
        self.ask("filter-points.apply", with, |real| real.apply(context, point, payload))
    }
}

impl Db for Taped<dyn Db> {
    fn engine(&self) -> Engine {
        let engine = self.ask_at_once("db.engine", Json::Null, |real| real.engine());
        engine.unwrap_or(Engine::Sqlite)
    }

    fn query<'a>(
        &'a self,
        context: &'a Context,
        sql: &'a str,
        params: Vec<Value>,
    ) -> BoxFuture<'a, Result<Rows, Failure>> {
        self.ask("db.query", statement(sql, &params), |real| real.query(context, sql, params))
    }

    fn execute<'a>(
        &'a self,
        context: &'a Context,
        sql: &'a str,
        params: Vec<Value>,
    ) -> BoxFuture<'a, Result<u64, Failure>> {
        self.ask("db.execute", statement(sql, &params), |real| real.execute(context, sql, params))
    }

    fn begin<'a>(&'a self, context: &'a Context) -> BoxFuture<'a, Result<Box<dyn Transaction>, Failure>> {
        Box::pin(async move {
            let begun = match &self.real {
                Some(real) => real.begin(context).await.map(Some),
                None => Ok(None),
            };
            let (real, answer) = match begun {
                Ok(real) => (real, Ok(())),
                Err(failure) => (None, Err(failure)),
            };
            let answer = self.ask_at_once("db.begin", Json::Null, |_| answer)?;
            let tape = Arc::clone(&self.tape);
            answer.map(|()| Box::new(TapedTransaction { real, tape }) as Box<dyn Transaction>)
        })
    }
}

fn statement(sql: &str, params: &Vec<Value>) -> Json {
    json!({ "sql": sql, "params": params.out() })
}

struct TapedTransaction {
    real: Option<Box<dyn Transaction>>,
    tape: Arc<Tape>,
}

impl TapedTransaction {
    async fn ask<T: Wire>(
        tape: &Tape,
        what: &'static str,
        with: Json,
        real: Option<BoxFuture<'_, Result<T, Failure>>>,
    ) -> Result<T, Failure> {
        let Some(real) = real else { return tape.play(what, &with)? };
        let answer = real.await;
        tape.record(what, with, &answer);
        answer
    }
}

impl Transaction for TapedTransaction {
    fn query<'a>(&'a mut self, sql: &'a str, params: Vec<Value>) -> BoxFuture<'a, Result<Rows, Failure>> {
        let with = statement(sql, &params);
        let Self { real, tape } = self;
        let real = real.as_mut().map(|real| real.query(sql, params));
        Box::pin(Self::ask(tape, "db.transaction.query", with, real))
    }

    fn execute<'a>(&'a mut self, sql: &'a str, params: Vec<Value>) -> BoxFuture<'a, Result<u64, Failure>> {
        let with = statement(sql, &params);
        let Self { real, tape } = self;
        let real = real.as_mut().map(|real| real.execute(sql, params));
        Box::pin(Self::ask(tape, "db.transaction.execute", with, real))
    }

    fn first_time<'a>(&'a mut self, source: &'a str, event: &'a str) -> BoxFuture<'a, Result<bool, Failure>> {
        let with = json!({ "source": source, "event": event });
        let Self { real, tape } = self;
        let real = real.as_mut().map(|real| real.first_time(source, event));
        Box::pin(Self::ask(tape, "db.transaction.first_time", with, real))
    }

    fn emit(&mut self, event: NewEvent) -> Result<(), Failure> {
        let with = event.out();
        let Some(real) = &mut self.real else { return self.tape.play("db.transaction.emit", &with)? };
        let answer = real.emit(event);
        self.tape.record("db.transaction.emit", with, &answer);
        answer
    }

    fn commit<'a>(self: Box<Self>) -> BoxFuture<'a, Result<(), Failure>>
    where
        Self: 'a,
    {
        Box::pin(async move {
            let Self { real, tape } = *self;
            Self::ask(&tape, "db.transaction.commit", Json::Null, real.map(|real| real.commit())).await
        })
    }
}

impl Kv for Taped<dyn Kv> {
    fn get<'a>(
        &'a self,
        context: &'a Context,
        key: &'a str,
    ) -> BoxFuture<'a, Result<Option<KvEntry>, Failure>> {
        self.ask("kv.get", json!({ "key": key }), |real| real.get(context, key))
    }

    fn set<'a>(
        &'a self,
        context: &'a Context,
        key: &'a str,
        value: Bytes,
        terms: KvTerms,
    ) -> BoxFuture<'a, Result<Option<u64>, Failure>> {
        let with = json!({ "key": key, "value": value.out() });
        self.ask("kv.set", with, move |real| real.set(context, key, value, terms))
    }

    fn delete<'a>(&'a self, context: &'a Context, key: &'a str) -> BoxFuture<'a, Result<bool, Failure>> {
        self.ask("kv.delete", json!({ "key": key }), |real| real.delete(context, key))
    }

    fn list<'a>(
        &'a self,
        context: &'a Context,
        prefix: &'a str,
        after: Option<&'a str>,
        limit: u32,
    ) -> BoxFuture<'a, Result<Vec<String>, Failure>> {
        let with = json!({ "prefix": prefix, "after": after, "limit": limit });
        self.ask("kv.list", with, move |real| real.list(context, prefix, after, limit))
    }
}

fn blob(key: BlobKey<'_>) -> Json {
    json!({ "owner": key.owner.map(PluginId::as_str), "key": key.key })
}

/// Part of a blob with its bytes.
struct Piece {
    info: BlobInfo,
    start: u64,
    bytes: Bytes,
}

impl Wire for Option<Piece> {
    fn out(&self) -> Json {
        let piece = |it: &Piece| json!({ "info": it.info.out(), "start": it.start, "bytes": it.bytes.out() });
        self.as_ref().map_or(Json::Null, piece)
    }

    fn back(form: &Json) -> Option<Self> {
        if form.is_null() {
            return Some(None);
        }
        let (info, bytes) = (BlobInfo::back(form.get("info")?)?, Bytes::back(form.get("bytes")?)?);
        Some(Some(Piece { info, start: u64::back(form.get("start")?)?, bytes }))
    }
}

fn too_large() -> Failure {
    Failure::too_large(format!("it was not captured: more than {MOST} bytes are not"), MOST)
}

impl Blobs for Taped<dyn Blobs> {
    fn put<'a>(
        &'a self,
        context: &'a Context,
        key: &'a str,
        body: Body,
    ) -> BoxFuture<'a, Result<BlobInfo, Failure>> {
        self.ask("blobs.put", json!({ "key": key }), |real| real.put(context, key, body))
    }

    fn info<'a>(
        &'a self,
        context: &'a Context,
        key: BlobKey<'a>,
    ) -> BoxFuture<'a, Result<Option<BlobInfo>, Failure>> {
        self.ask("blobs.info", blob(key), move |real| real.info(context, key))
    }

    fn get<'a>(
        &'a self,
        context: &'a Context,
        key: BlobKey<'a>,
        range: Option<Range<u64>>,
    ) -> BoxFuture<'a, Result<Option<Blob>, Failure>> {
        Box::pin(async move {
            let with =
                json!({ "blob": blob(key), "range": range.clone().map(|range| [range.start, range.end]) });
            let Some(real) = &self.real else {
                let piece = self.tape.play::<Result<Option<Piece>, Failure>>("blobs.get", &with)??;
                return Ok(piece.map(|Piece { info, start, bytes }| {
                    let range = start..start + bytes.len() as u64;
                    Blob { info, range, body: bytes.into() }
                }));
            };
            let mut answer = real.get(context, key, range).await;
            let kept = match &mut answer {
                Ok(Some(it)) if it.range.end - it.range.start > MOST => Err(too_large()),
                Ok(Some(it)) => {
                    let bytes = std::mem::take(&mut it.body).collect(MOST).await?;
                    it.body = bytes.clone().into();
                    Ok(Some(Piece { info: it.info.clone(), start: it.range.start, bytes }))
                }
                Ok(None) => Ok(None),
                Err(failure) => Err(failure.clone()),
            };
            self.tape.record("blobs.get", with, &kept);
            answer
        })
    }

    fn open<'a>(
        &'a self,
        context: &'a Context,
        key: BlobKey<'a>,
    ) -> BoxFuture<'a, Result<Option<Box<dyn BlobFile>>, Failure>> {
        Box::pin(async move {
            let with = blob(key);
            let Some(real) = &self.real else {
                let bytes = self.tape.play::<Result<Whole, Failure>>("blobs.open", &with)??;
                return Ok(bytes.0.map(|bytes| Box::new(Cursor::new(bytes)) as _));
            };
            let mut answer = real.open(context, key).await;
            let kept = match &mut answer {
                Ok(Some(file)) => whole(file).map(|bytes| Whole(Some(bytes))),
                Ok(None) => Ok(Whole(None)),
                Err(failure) => Err(failure.clone()),
            };
            self.tape.record("blobs.open", with, &kept);
            answer
        })
    }

    fn delete<'a>(&'a self, context: &'a Context, key: &'a str) -> BoxFuture<'a, Result<(), Failure>> {
        self.ask("blobs.delete", json!({ "key": key }), |real| real.delete(context, key))
    }
}

/// The bytes of a file that was opened, if there is one.
struct Whole(Option<Bytes>);

impl Wire for Whole {
    fn out(&self) -> Json {
        self.0.as_ref().map_or(Json::Null, Wire::out)
    }

    fn back(form: &Json) -> Option<Self> {
        if form.is_null() { Some(Self(None)) } else { Bytes::back(form).map(|bytes| Self(Some(bytes))) }
    }
}

/// The bytes of the file, which is at its beginning again afterwards.
fn whole(file: &mut Box<dyn BlobFile>) -> Result<Bytes, Failure> {
    let unreadable = |error: std::io::Error| Failure::unavailable(error.to_string());
    if file.seek(SeekFrom::End(0)).map_err(unreadable)? > MOST {
        file.rewind().map_err(unreadable)?;
        return Err(too_large());
    }
    file.rewind().map_err(unreadable)?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).map_err(unreadable)?;
    file.rewind().map_err(unreadable)?;
    Ok(bytes.into())
}

impl Events for Taped<dyn Events> {
    fn emit<'a>(&'a self, context: &'a Context, event: NewEvent) -> BoxFuture<'a, Result<(), Failure>> {
        self.ask("events.emit", event.out(), |real| real.emit(context, event))
    }
}

impl Services for Taped<dyn Services> {
    fn call<'a>(
        &'a self,
        context: &'a Context,
        service: &'a str,
        payload: Payload,
    ) -> BoxFuture<'a, Result<Payload, Failure>> {
        let with = json!({ "service": service, "payload": payload.out() });
        self.ask("services.call", with, |real| real.call(context, service, payload))
    }
}

impl Schedule for Taped<dyn Schedule> {
    fn run<'a>(
        &'a self,
        context: &'a Context,
        task: &'a str,
        payload: Payload,
    ) -> BoxFuture<'a, Result<String, Failure>> {
        let with = json!({ "task": task, "payload": payload.out() });
        self.ask("schedule.run", with, |real| real.run(context, task, payload))
    }

    fn progress(&self, context: &Context, progress: Progress) {
        if let Some(real) = &self.real {
            real.progress(context, progress);
        }
    }

    fn output(&self, context: &Context, output: Payload) -> Result<(), Failure> {
        self.ask_at_once("schedule.output", output.out(), |real| real.output(context, output))?
    }

    fn set<'a>(
        &'a self,
        context: &'a Context,
        name: &'a str,
        plan: Plan,
    ) -> BoxFuture<'a, Result<(), Failure>> {
        let with = json!({ "name": name, "plan": plan });
        self.ask("schedule.set", with, |real| real.set(context, name, plan))
    }

    fn remove<'a>(&'a self, context: &'a Context, name: &'a str) -> BoxFuture<'a, Result<bool, Failure>> {
        self.ask("schedule.remove", json!({ "name": name }), |real| real.remove(context, name))
    }

    fn list<'a>(&'a self, context: &'a Context) -> BoxFuture<'a, Result<Vec<Scheduled>, Failure>> {
        self.ask("schedule.list", Json::Null, |real| real.list(context))
    }
}

impl Secrets for Taped<dyn Secrets> {
    fn get(&self, context: &Context, name: &str) -> Result<Option<Secret>, Failure> {
        self.ask_at_once("secrets.get", json!({ "name": name }), |real| real.get(context, name))?
    }
}

impl Metrics for Taped<dyn Metrics> {
    fn note(&self, context: &Context, name: &str, labels: &[(&str, &str)], reading: Reading) {
        // Nothing comes of it for the plugin: made again, it is measured nowhere.
        if let Some(real) = &self.real {
            real.note(context, name, labels, reading);
        }
    }
}

impl Http for Taped<dyn Http> {
    fn send<'a>(
        &'a self,
        context: &'a Context,
        request: HttpRequest,
    ) -> BoxFuture<'a, Result<HttpResponse, Failure>> {
        self.ask("http.send", request.out(), |real| real.send(context, request))
    }
}

impl Mail for Taped<dyn Mail> {
    fn send<'a>(&'a self, context: &'a Context, message: MailMessage) -> BoxFuture<'a, Result<(), Failure>> {
        let with = json!({ "to": message.to, "subject": message.subject });
        self.ask("mail.send", with, |real| real.send(context, message))
    }
}
