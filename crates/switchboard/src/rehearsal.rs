//! A plugin under test: the server itself on temporary storage, with a clock that stands until it is set and faults that are switched.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, anyhow, ensure};
use axum::body::Body;
use http::{HeaderMap, StatusCode, header};
use http_body_util::BodyExt;
use serde_json::{Map, Value as Json, json};
use switchboard_api::{
    Actions, Call as ApiCall, Event, Failure, Faults, FilterCall, Payload, Reply, ServiceCall, TaskCall,
    capability::Clock,
};
use switchboard_authoring::{Call, CallKind, Difference, Expected, Request, Scenarios, Step, differences};
use switchboard_capabilities::{KeptMail, Networks, Options, SeededRandom, SetClock};
use switchboard_delivery::Counts;
use switchboard_kernel::{By, Caller, Given, Measured, Terms, TokenTerms, dispatch, run_command};
use switchboard_manifest::PluginId;
use switchboard_server::{Addresses, RateLimits, router};
use tower::ServiceExt;

use crate::{
    compose::{Places, Running, compose_with},
    data_folder::DataFolder,
    operator_settings::OperatorSettings,
    scratch::Scratch,
};

/// Who does what no request does.
const WHO: &str = "a test";

/// The largest answer that is looked at, in bytes.
const LARGEST_ANSWER: usize = 64 << 20;

/// What is kept from one test of a file to the next: the plugins, and their compiled forms.
pub(crate) struct Ground {
    root: PathBuf,
    number: usize,
    plugin: PluginId,
}

/// A server under test.
pub(crate) struct Rehearsal {
    running: Running,
    addresses: Addresses,
    plugin: PluginId,
    clock: Arc<SetClock>,
    mail: Arc<KeptMail>,
    faults: Arc<Faults>,
    /// How many tokens were made.
    tokens: u32,
    /// How many of the plugin's events were looked at.
    looked_at: usize,
    /// Gone when all else is.
    _data: Scratch,
}

impl Ground {
    /// For the tests of one file of this plugin's, below a folder for all of them.
    pub(crate) fn new(root: &Path, number: usize, plugin: &PluginId) -> Self {
        Self { root: root.to_owned(), number, plugin: plugin.clone() }
    }

    /// Where the plugins are put that serve in them, each in a folder of its id.
    pub(crate) fn plugins(&self) -> PathBuf {
        self.root.join("plugins").join(self.number.to_string())
    }

    /// Leaves no plugin of an earlier time.
    ///
    /// # Errors
    /// When the folder cannot be emptied.
    pub(crate) fn clear(&self) -> anyhow::Result<()> {
        Scratch::at(self.plugins()).keep();
        made(&self.plugins())
    }

    /// Begins anew: a server on which nothing has happened.
    ///
    /// # Errors
    /// When the plugin, or one beside it, does not load.
    pub(crate) async fn begin(&self, scenarios: &Scenarios) -> anyhow::Result<Rehearsal> {
        let data = Scratch::at(self.root.join("data"));
        made(data.path())?;
        let settings = OperatorSettings::default();
        let folder = DataFolder::new(data.path());
        let shared = DataFolder::new(&self.root);
        let places = Places {
            plugins: self.plugins(),
            compiled: shared.compiled(),
            // By which the compiled forms are known again.
            keys: shared.keys(),
            ..Places::of(&folder, &settings)
        };
        let (clock, mail) = (Arc::<SetClock>::default(), Arc::<KeptMail>::default());
        let faults = Arc::<Faults>::default();
        let outside = Options {
            clock: clock.clone(),
            random: Arc::new(SeededRandom::new(0)),
            mail: KeptMail::options(&mail),
            // Servers of whoever tests.
            networks: Networks::new(["127.0.0.0/8", "::1/128"].iter().filter_map(|it| it.parse().ok())),
            faults: Some(faults.clone()),
        };
        let mut running = compose_with(places, &settings, Default::default(), outside).await?;
        running.http.rate_limits =
            RateLimits { token: None, organization: None, address: None, ..RateLimits::default() };
        let addresses = router(running.kernel.clone(), running.http.clone());
        let plugin = self.plugin.clone();
        let rehearsal = Rehearsal {
            running,
            addresses,
            plugin,
            clock,
            mail,
            faults,
            tokens: 0,
            looked_at: 0,
            _data: data,
        };
        match rehearsal.set_up(scenarios).await {
            Ok(()) => Ok(rehearsal),
            Err(error) => {
                rehearsal.end().await;
                Err(error)
            }
        }
    }
}

impl Rehearsal {
    async fn set_up(&self, scenarios: &Scenarios) -> anyhow::Result<()> {
        let kernel = &self.running.kernel;
        let ours =
            |id: &str| kernel.catalog().entry(id).is_some_and(|entry| entry.manifest.entry_point.is_some());
        if let Some(absent) = self.running.absent().iter().find(|absent| ours(&absent.id)) {
            return Err(anyhow!("plugin `{}` does not serve: {}", absent.id, absent.reason));
        }
        ensure!(
            kernel.snapshot().plugin(self.plugin.as_str()).is_some(),
            "plugin `{}` does not serve",
            self.plugin
        );
        self.running.delivery.start().await.context("events and tasks cannot be delivered")?;
        for slug in &scenarios.organizations {
            kernel.create_organization(&By::system(WHO), slug, slug).await?;
        }
        let organizations = scenarios.organizations.iter().map(String::as_str);
        for organization in ["default"].into_iter().chain(organizations) {
            let catalog = kernel.catalog();
            for (id, _) in
                catalog.entries().filter(|(id, entry)| ours(id.as_str()) && !entry.manifest.global_plugin)
            {
                kernel.enable_with_requirements(&By::system(WHO), id.as_str(), organization).await?;
            }
        }
        Ok(())
    }

    /// Does a step, and whatever follows from it; gives where something else came of it than was expected.
    ///
    /// # Errors
    /// When the step cannot be done.
    pub(crate) async fn step(&mut self, step: &Step) -> anyhow::Result<Vec<Difference>> {
        let found = match step {
            Step::Request(request) => self.request(request).await?,
            Step::Call(call) => self.call(call).await?,
            Step::Configure { config, organization } => {
                let (kernel, by) = (&self.running.kernel, By::system(WHO));
                let set = kernel.configure(&by, self.plugin.as_str(), Some(organization), config.clone());
                set.await.context("the configuration is refused")?;
                Vec::new()
            }
            Step::Time(time) => {
                self.clock.set(*time);
                Vec::new()
            }
            Step::Advance(by) => {
                let by =
                    Duration::try_from(*by).context("the clock goes forward: `advance` is not negative")?;
                self.clock.advance(by);
                Vec::new()
            }
            Step::Fail(faults) => {
                for (capability, kind) in faults {
                    let failure = kind.as_deref().map(failure).transpose()?;
                    self.faults.set(*capability, failure);
                }
                Vec::new()
            }
            Step::Emitted(expected) => {
                let events = self.running.delivery.said(&self.plugin).await?;
                let new = events.iter().skip(self.looked_at).map(told).collect::<anyhow::Result<Vec<_>>>()?;
                self.looked_at = events.len();
                differences("emitted", expected, &new.into())
            }
            Step::Mailed(expected) => {
                let sent = serde_json::to_value(self.mail.take()).context("a message has no JSON form")?;
                differences("mailed", expected, &sent)
            }
            Step::Measured(expected) => differences("measured", expected, &self.measured()),
        };
        self.running.delivery.idle().await;
        Ok(found)
    }

    /// What was left undone: events and tasks that failed, and wait for another attempt or were given up.
    pub(crate) fn left_undone(&self) -> Option<String> {
        let Counts { pending, dead, tasks_queued, tasks_running } = self.running.delivery.counts();
        let (events, tasks) = (pending + dead, tasks_queued + tasks_running);
        let noun = |count, one, many| if count == 1 { format!("1 {one}") } else { format!("{count} {many}") };
        let left: Vec<String> = [(events, "event", "events"), (tasks, "task", "tasks")]
            .into_iter()
            .filter(|(count, ..)| *count > 0)
            .map(|(count, one, many)| noun(count, one, many))
            .collect();
        (!left.is_empty()).then(|| format!("{} failed and would be tried again", left.join(" and ")))
    }

    pub(crate) async fn end(self) {
        drop(self.addresses);
        self.running.stop(Duration::ZERO).await;
    }

    async fn request(&mut self, request: &Request) -> anyhow::Result<Vec<Difference>> {
        let Request { method, address, terms } = request;
        let mut asked =
            http::Request::builder().method(method.as_str()).uri(address).header(header::HOST, "localhost");
        if !terms.anonymous {
            let token = self.token(terms.allowed.as_deref()).await?;
            asked = asked.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        if let Some(organization) = &terms.organization {
            asked = asked.header("x-organization", organization);
        }
        let body = match &terms.body {
            None => Body::empty(),
            Some(Json::String(text)) => Body::from(text.clone()),
            Some(json) => {
                if !terms.headers.keys().any(|name| name.eq_ignore_ascii_case("content-type")) {
                    asked = asked.header(header::CONTENT_TYPE, "application/json");
                }
                Body::from(json.to_string())
            }
        };
        for (name, value) in &terms.headers {
            asked = asked.header(name, value);
        }
        let asked = asked.body(body).with_context(|| format!("`{method} {address}` is no request"))?;
        let answer = self.addresses.clone().oneshot(asked).await?;
        let (head, body) = answer.into_parts();
        let body = http_body_util::Limited::new(body, LARGEST_ANSWER).collect().await;
        let body = body.map_err(|error| anyhow!(error).context("the answer broke off"))?.to_bytes();
        let body = serde_json::from_slice(&body)
            .unwrap_or_else(|_| Json::String(String::from_utf8_lossy(&body).into_owned()));
        Ok(unexpected(request, head.status, &head.headers, &body))
    }

    /// A token of somebody who may do these actions.
    async fn token(&mut self, allowed: Option<&[String]>) -> anyhow::Result<String> {
        let actions = allowed.map_or_else(Actions::all, |allowed| Actions::new(allowed.iter().cloned()));
        self.tokens += 1;
        let name = format!("test {}", self.tokens);
        let terms = TokenTerms { name: &name, actions, ..TokenTerms::default() };
        Ok(self.running.kernel.create_token(&By::system(WHO), terms).await?.token)
    }

    /// What the plugin has measured, as a test looks at it.
    fn measured(&self) -> Json {
        let metrics = self.running.kernel.plugin_metrics(self.plugin.as_str());
        let series = metrics.series.iter().map(|(series, measured)| {
            let labels: Map<String, Json> =
                series.labels.iter().map(|(name, says)| (name.to_string(), Json::from(&**says))).collect();
            let (name, kind) = (&*series.name, series.kind);
            match measured {
                Measured::Counter(value) => json!({ kind: name, "labels": labels, "value": value }),
                Measured::Gauge(value) => json!({ kind: name, "labels": labels, "value": value }),
                Measured::Histogram { count, sum, .. } => {
                    json!({ kind: name, "labels": labels, "count": count, "sum": sum })
                }
            }
        });
        series.collect()
    }

    async fn call(&self, call: &Call) -> anyhow::Result<Vec<Difference>> {
        let given = self.given(call).await?;
        Ok(match (call.expected(), given) {
            (Expected::Gives(None), Ok(_)) => Vec::new(),
            (Expected::Gives(Some(expected)), Ok(given)) => differences("gives", expected, &given),
            (Expected::Gives(_), Err(failure)) => {
                vec![Difference::new("it", "no failure", format!("{}: {failure}", failure.kind()))]
            }
            (Expected::Fails(kind, _), Ok(given)) => {
                vec![Difference::new("fails", kind, format!("nothing: it gives {given}"))]
            }
            (Expected::Fails(kind, because), Err(failure)) => {
                let said = failure.to_string();
                let mut found = Vec::new();
                if failure.kind() != kind {
                    found.push(Difference::new("fails", kind, format!("{}: {said}", failure.kind())));
                }
                found.extend(
                    because
                        .filter(|because| !said.contains(because))
                        .map(|because| Difference::new("because", because, &said)),
                );
                found
            }
        })
    }

    /// What comes of a call: what is given, or the failure.
    async fn given(&self, call: &Call) -> anyhow::Result<Result<Json, Failure>> {
        let kernel = &self.running.kernel;
        let organization = kernel.named(&call.terms.organization)?;
        let caller = Caller::system(Some(organization.clone()), WHO);
        let (name, owner) = (call.name.clone(), call.name.split('.').next().unwrap_or_default());
        let id = if call.kind == CallKind::Service { owner } else { self.plugin.as_str() };
        let snapshot = kernel.snapshot();
        let plugin = snapshot.plugin(id).with_context(|| format!("there is no plugin `{id}`"))?;
        let payload = Payload::of(&call.terms.payload)?;
        let what = match call.kind {
            CallKind::Event => ApiCall::Event(Event {
                id: format!("test-{}", self.clock.now().as_microsecond()),
                source: owner.to_owned(),
                name,
                subject: call.terms.subject.clone(),
                time: self.clock.now(),
                organization: Some(organization.id),
                actor: WHO.to_owned(),
                trace: WHO.to_owned(),
                data: payload,
                attempt: 1,
            }),
            CallKind::Filter => ApiCall::Filter(FilterCall { name, payload }),
            CallKind::Service => ApiCall::Service(ServiceCall { name, payload }),
            CallKind::Task => ApiCall::Task(TaskCall { name, run: WHO.to_owned(), payload, attempt: 1 }),
            CallKind::Command => {
                let arguments = payload.to::<Option<Map<String, Json>>>()?.unwrap_or_default();
                let given = Given::Named { plugin: id, command: &name, arguments };
                let origin = Payload::of(&json!({ "kind": "test" }))?;
                return Ok(match run_command(&snapshot, caller, given, origin).await {
                    Ok(said) => Ok(serde_json::to_value(said)?),
                    Err(failure) => Err(failure),
                });
            }
        };
        let tasks = &plugin.manifest().provides.tasks;
        let task = tasks.iter().find(|task| call.kind == CallKind::Task && task.name == call.name);
        let time = task.map(|task| Duration::from_secs(task.timeout_seconds));
        let terms = Terms { time, ..Terms::default() };
        Ok(match dispatch(&snapshot, plugin, caller, terms, what).await {
            Ok(Reply::Payload(payload)) => Ok(payload.to()?),
            Ok(_) => Ok(Json::Null),
            Err(failure) => Err(failure),
        })
    }
}

fn made(folder: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))
}

/// Where the answer is not what was expected.
fn unexpected(request: &Request, status: StatusCode, headers: &HeaderMap, body: &Json) -> Vec<Difference> {
    let terms = &request.terms;
    let mut found = Vec::new();
    let is_right = terms.status.map_or(status.is_success(), |expected| expected == status.as_u16());
    if !is_right {
        let expected = terms.status.map_or_else(|| "success".to_owned(), |expected| expected.to_string());
        found.push(Difference::new("status", expected, format!("{}: {body}", status.as_u16())));
    }
    for (name, expected) in &terms.answer_headers {
        let value = headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()));
        if value.as_deref() != Some(expected) {
            found.push(Difference::new(
                format!("answer_headers.{name}"),
                expected,
                value.as_deref().unwrap_or("nothing"),
            ));
        }
    }
    // Of an answer of another kind nothing more is to be learnt.
    if is_right && let Some(expected) = &terms.answer {
        found.extend(differences("answer", expected, body));
    }
    found
}

/// A failure of a capability.
fn failure(kind: &str) -> anyhow::Result<Failure> {
    let told = json!({ "kind": kind, "message": "the test has it fail", "faults": [], "limit": 0, "after": { "secs": 1, "nanos": 0 } });
    let known =
        "invalid, not_found, forbidden, conflict, too_large, rate_limited, unavailable, timed_out and broken";
    serde_json::from_value(told).map_err(|_| anyhow!("there is no failure `{kind}`; there are {known}"))
}

/// An event as a test looks at it.
fn told(event: &Event) -> anyhow::Result<Json> {
    let data: Json = event.data.to()?;
    let told =
        [("event", Json::from(&*event.name)), ("subject", Json::from(&*event.subject)), ("data", data)];
    Ok(Json::Object(told.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>()))
}
