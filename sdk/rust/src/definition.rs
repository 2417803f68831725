//! A plugin as its author writes it.

use std::{any::Any, sync::Arc};

use schemars::JsonSchema;
use serde::{Serialize, de::DeserializeOwned};
use switchboard_api::{
    BoxFuture, CommandCall, Description, Event, Failure, HookKind, Operation, Payload, Said,
    ServiceDescription, TaskCall,
};
#[cfg(not(target_family = "wasm"))]
use {
    crate::native::Binding,
    switchboard_api::Plugin,
    switchboard_manifest::{Faults, Manifest},
};

use crate::{
    Context, Handler,
    binding::{Bound, CommandHandler, EventHandler, HookHandler, PayloadHandler, TaskHandler},
    extract::{answer_schema_of, schema_of},
    handler::erase,
};

/// A plugin as its author writes it: a manifest, and a handler for each thing that it declares.
///
/// What is declared and what is bound must agree: the kernel refuses a plugin in which either lacks the other, and
/// names both.
pub struct Definition {
    #[cfg(not(target_family = "wasm"))]
    manifest: &'static str,
    #[cfg(not(target_family = "wasm"))]
    migrations: Vec<(String, String)>,
    shared: Vec<Arc<dyn Any + Send + Sync>>,
    describing: Vec<Describing>,
    bound: Bound,
}

/// Says in the description what was bound. A component is described once, when it is loaded: an instance that begins for a call makes no
/// schemas.
type Describing = Box<dyn FnOnce(&mut Description)>;

impl Definition {
    /// Begins a plugin from its manifest's text. A component leaves it, and its migrations, to the host, which has both beside it.
    #[cfg_attr(target_family = "wasm", allow(unused_variables))]
    pub fn new(manifest: &'static str) -> Self {
        Self {
            #[cfg(not(target_family = "wasm"))]
            manifest,
            #[cfg(not(target_family = "wasm"))]
            migrations: Vec::new(),
            shared: Vec::new(),
            describing: Vec::new(),
            bound: Bound::default(),
        }
    }

    /// The plugin's migration files, by name and text.
    #[must_use]
    #[cfg_attr(target_family = "wasm", allow(unused_mut, unused_variables))]
    pub fn migrations<'a>(mut self, files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        #[cfg(not(target_family = "wasm"))]
        self.migrations.extend(files.into_iter().map(|(name, text)| (name.to_owned(), text.to_owned())));
        self
    }

    /// A value for handlers to take as [`Shared`](crate::extract::Shared).
    #[must_use]
    pub fn share<T: Any + Send + Sync>(mut self, value: T) -> Self {
        self.shared.push(Arc::new(value));
        self
    }

    /// What is configured where nothing was set, such as `&Settings::default()`: the lowest layer, below the manifest's
    /// `config_defaults`. It is an object of properties that the manifest's `config_schema` names.
    ///
    /// A value that has no JSON form, or is no object, makes the plugin's load fail.
    #[must_use]
    pub fn config_defaults<T: Serialize>(self, defaults: &T) -> Self {
        let defaults = serde_json::to_value(defaults).unwrap_or_default();
        self.says(|description| description.config_defaults = Some(defaults))
    }

    /// Answers GET (and HEAD) at the path, as the manifest writes it.
    #[must_use]
    pub fn get<A>(self, path: &str, handler: impl Handler<A>) -> Self {
        self.route("GET", path, handler)
    }

    /// Answers POST at the path.
    #[must_use]
    pub fn post<A>(self, path: &str, handler: impl Handler<A>) -> Self {
        self.route("POST", path, handler)
    }

    /// Answers PUT at the path.
    #[must_use]
    pub fn put<A>(self, path: &str, handler: impl Handler<A>) -> Self {
        self.route("PUT", path, handler)
    }

    /// Answers PATCH at the path.
    #[must_use]
    pub fn patch<A>(self, path: &str, handler: impl Handler<A>) -> Self {
        self.route("PATCH", path, handler)
    }

    /// Answers DELETE at the path.
    #[must_use]
    pub fn delete<A>(self, path: &str, handler: impl Handler<A>) -> Self {
        self.route("DELETE", path, handler)
    }

    fn route<A, H: Handler<A>>(mut self, method: &str, path: &str, handler: H) -> Self {
        self.bound.routes.push(erase(handler));
        let key = format!("{method} {path}");
        self.says(|description| description.routes.push(H::describe(key)))
    }

    /// Completes what the description of the route bound last says, where its types do not say it: a summary, a form's
    /// schema, the media type of a stream.
    #[must_use]
    pub fn describe(self, complete: impl FnOnce(&mut Operation) + 'static) -> Self {
        self.says(|description| {
            if let Some(operation) = description.routes.last_mut() {
                complete(operation);
            }
        })
    }

    fn says(mut self, describing: impl FnOnce(&mut Description) + 'static) -> Self {
        self.describing.push(Box::new(describing));
        self
    }

    /// Takes part in a filter point: gives the value back, changed or not; a [`conflict`](crate::conflict!) is a veto.
    #[must_use]
    pub fn filter<T, F, Fut>(mut self, point: &str, handler: F) -> Self
    where
        T: DeserializeOwned + Serialize + Send + 'static,
        F: Fn(Context, T) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<T, Failure>> + Send + 'static,
    {
        self.bound.filters.push((point.to_owned(), payload_handler(handler)));
        let point = point.to_owned();
        self.says(|description| description.filters.push(point))
    }

    /// Offers a function to plugins that require this one.
    #[must_use]
    pub fn service<T, R, F, Fut>(mut self, name: &str, handler: F) -> Self
    where
        T: DeserializeOwned + JsonSchema + Send + 'static,
        R: Serialize + JsonSchema + Send + 'static,
        F: Fn(Context, T) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R, Failure>> + Send + 'static,
    {
        self.bound.services.push((name.to_owned(), payload_handler(handler)));
        let name = name.to_owned();
        self.says(|description| {
            let (takes, gives) = (schema_of::<T>().as_ref().clone(), answer_schema_of::<R>());
            description.services.push(ServiceDescription { name, takes, gives });
        })
    }

    /// Listens to events, by the pattern that the manifest declares. An event comes at least once.
    #[must_use]
    pub fn on<F, Fut>(mut self, pattern: &str, handler: F) -> Self
    where
        F: Fn(Context, Event) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), Failure>> + Send + 'static,
    {
        let handler: EventHandler = Box::new(move |context, event| Box::pin(handler(context, event)));
        self.bound.listeners.push((pattern.to_owned(), handler));
        let pattern = pattern.to_owned();
        self.says(|description| description.listeners.push(pattern))
    }

    /// Does one of the plugin's tasks, when the manifest says or when it is asked for.
    #[must_use]
    pub fn task<F, Fut>(mut self, name: &str, handler: F) -> Self
    where
        F: Fn(Context, TaskCall) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), Failure>> + Send + 'static,
    {
        let handler: TaskHandler = Box::new(move |context, task| Box::pin(handler(context, task)));
        self.bound.tasks.push((name.to_owned(), handler));
        let name = name.to_owned();
        self.says(|description| description.tasks.push(name))
    }

    /// Answers one of the plugin's commands. Its arguments are what the manifest declares; what is said is a text in Markdown, or a
    /// [`Said`] for nobody but whoever gave the command. [`Failure::Invalid`] says what is wrong, by argument.
    ///
    /// ```
    /// # use switchboard_sdk::prelude::*;
    /// # const MANIFEST: &str = "";
    /// #[derive(Deserialize)]
    /// struct Roll {
    ///     sides: Option<u8>,
    /// }
    ///
    /// async fn roll(ctx: Context, command: CommandCall) -> Result<String> {
    ///     let sides = command.arguments.to::<Roll>()?.sides.unwrap_or(6).max(1);
    ///     let mut byte = [0];
    ///     ctx.random(&mut byte);
    ///     Ok(format!("**{}**", byte[0] % sides + 1))
    /// }
    /// # let _ = Definition::new(MANIFEST).command("roll", roll);
    /// ```
    #[must_use]
    pub fn command<R, F, Fut>(mut self, name: &str, handler: F) -> Self
    where
        R: Into<Said>,
        F: Fn(Context, CommandCall) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R, Failure>> + Send + 'static,
    {
        let handler: CommandHandler = Box::new(move |context, command| {
            let said = handler(context, command);
            Box::pin(async move { said.await.map(Into::into) })
        });
        self.bound.commands.push((name.to_owned(), handler));
        let name = name.to_owned();
        self.says(|description| description.commands.push(name))
    }

    /// Runs once, when the plugin was installed.
    #[must_use]
    pub fn on_install<F, Fut>(self, handler: F) -> Self
    where
        F: Fn(Context) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), Failure>> + Send + 'static,
    {
        self.plain_hook(HookKind::Install, handler)
    }

    /// Runs at every start, before anything else is asked of the plugin.
    #[must_use]
    pub fn on_load<F, Fut>(self, handler: F) -> Self
    where
        F: Fn(Context) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), Failure>> + Send + 'static,
    {
        self.plain_hook(HookKind::Load, handler)
    }

    /// Runs when an organization switches the plugin on; a failure leaves it off.
    #[must_use]
    pub fn on_enable<T, F, Fut>(self, handler: F) -> Self
    where
        T: DeserializeOwned + Send + 'static,
        F: Fn(Context, T) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), Failure>> + Send + 'static,
    {
        self.config_hook(HookKind::Enable, handler)
    }

    /// Runs when an organization's configuration is about to change; a failure leaves it as it was.
    #[must_use]
    pub fn on_config_changed<T, F, Fut>(self, handler: F) -> Self
    where
        T: DeserializeOwned + Send + 'static,
        F: Fn(Context, T) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), Failure>> + Send + 'static,
    {
        self.config_hook(HookKind::ConfigChanged, handler)
    }

    /// Runs when an organization switches the plugin off; a failure leaves it on.
    #[must_use]
    pub fn on_disable<F, Fut>(self, handler: F) -> Self
    where
        F: Fn(Context) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), Failure>> + Send + 'static,
    {
        self.plain_hook(HookKind::Disable, handler)
    }

    /// Runs before the plugin is unloaded.
    #[must_use]
    pub fn on_unload<F, Fut>(self, handler: F) -> Self
    where
        F: Fn(Context) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), Failure>> + Send + 'static,
    {
        self.plain_hook(HookKind::Unload, handler)
    }

    /// Runs once after the version changed; the payload is `{from, to}`.
    #[must_use]
    pub fn on_upgrade<T, F, Fut>(self, handler: F) -> Self
    where
        T: DeserializeOwned + Send + 'static,
        F: Fn(Context, T) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), Failure>> + Send + 'static,
    {
        self.config_hook(HookKind::Upgrade, handler)
    }

    /// Runs before the plugin is removed with its data.
    #[must_use]
    pub fn on_uninstall<F, Fut>(self, handler: F) -> Self
    where
        F: Fn(Context) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), Failure>> + Send + 'static,
    {
        self.plain_hook(HookKind::Uninstall, handler)
    }

    fn plain_hook<F, Fut>(self, kind: HookKind, handler: F) -> Self
    where
        F: Fn(Context) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), Failure>> + Send + 'static,
    {
        self.hook(kind, Box::new(move |context, _| Box::pin(handler(context))))
    }

    fn config_hook<T, F, Fut>(self, kind: HookKind, handler: F) -> Self
    where
        T: DeserializeOwned + Send + 'static,
        F: Fn(Context, T) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), Failure>> + Send + 'static,
    {
        let handler: HookHandler = Box::new(move |context, payload| match payload.to() {
            Ok(value) => Box::pin(handler(context, value)),
            Err(failure) => Box::pin(std::future::ready(Err(failure))),
        });
        self.hook(kind, handler)
    }

    fn hook(mut self, kind: HookKind, handler: HookHandler) -> Self {
        self.bound.hooks.push((kind, handler));
        self.says(move |description| description.hooks.push(kind))
    }

    /// What is bound.
    pub(crate) fn description(&mut self) -> Description {
        let mut description = Description::default();
        for describe in self.describing.drain(..) {
            describe(&mut description);
        }
        description
    }

    /// What a component is made of.
    #[cfg(target_family = "wasm")]
    pub(crate) fn into_parts(self) -> (Vec<Arc<dyn Any + Send + Sync>>, Bound) {
        (self.shared, self.bound)
    }

    /// The plugin, ready to be loaded. There is none of it in a component: see [`component!`](crate::component).
    ///
    /// # Errors
    /// Every fault of the manifest.
    #[cfg(not(target_family = "wasm"))]
    pub fn build(mut self) -> Result<Arc<dyn Plugin>, Faults> {
        let manifest = Arc::new(Manifest::read(self.manifest)?);
        let description = self.description();
        Ok(Arc::new(Binding::new(manifest, description, self.migrations, self.shared.into(), self.bound)))
    }
}

/// A function of a value as one of JSON.
fn payload_handler<T, R, F, Fut>(handler: F) -> PayloadHandler
where
    T: DeserializeOwned + Send + 'static,
    R: Serialize + Send + 'static,
    F: Fn(Context, T) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<R, Failure>> + Send + 'static,
{
    Box::new(move |context, payload: Payload| -> BoxFuture<'static, Result<Payload, Failure>> {
        match payload.to() {
            Ok(value) => {
                let result = handler(context, value);
                Box::pin(async move { Payload::of(&result.await?) })
            }
            Err(failure) => Box::pin(std::future::ready(Err(failure))),
        }
    })
}
