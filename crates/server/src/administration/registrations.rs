//! Registered plugins, as clients that are older than this server know them: their addresses, shapes and words.

use std::sync::Arc;

use http::StatusCode;
use switchboard_api::{Answer, BodyDescription, Operation};
use switchboard_kernel::{
    By, Kernel, NewRegistration, Registration, RegistrationChange, RegistrationSetting, Switched,
};
use switchboard_sdk::{
    Definition, Failure, Response, Result,
    answer::IntoAnswer,
    extract::Shared,
    prelude::*,
    serde_json::{Value, json},
};

use super::KernelHandle;

/// Which records are listed.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default)]
struct Page {
    /// How many to pass over.
    #[schemars(range(min = 0))]
    skip: usize,
    /// How many to give at most.
    #[schemars(range(min = 1, max = 1000))]
    limit: usize,
    /// Only those that shall run.
    enabled_only: bool,
}

impl Default for Page {
    fn default() -> Self {
        Self { skip: 0, limit: 100, enabled_only: false }
    }
}

/// A setting to be added.
#[derive(Debug, Deserialize, JsonSchema)]
struct NewSetting {
    /// Its name, unique within the record.
    #[schemars(length(min = 1, max = 255))]
    key: String,
    /// Its value.
    value: Value,
}

/// A setting's new value.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ChangedSetting {
    /// The value.
    value: Value,
}

/// What comes of switching: the record, or 500 with the reason, which these clients show to people.
struct Switching(Switched);

pub(super) fn bind(definition: Definition) -> Definition {
    definition
        .get("/api/v1/plugins", list_registrations)
        .post("/api/v1/plugins", register)
        .get("/api/v1/plugins/{id}", get_registration)
        .put("/api/v1/plugins/{id}", change_registration)
        .patch("/api/v1/plugins/{id}", change_registration)
        .delete("/api/v1/plugins/{id}", unregister)
        .post("/api/v1/plugins/{id}/enable", enable_registration)
        .post("/api/v1/plugins/{id}/disable", disable_registration)
        .get("/api/v1/plugins/{id}/config", list_settings)
        .post("/api/v1/plugins/{id}/config", add_setting)
        .put("/api/v1/plugins/{id}/config/{config_id}", change_setting)
        .patch("/api/v1/plugins/{id}/config/{config_id}", change_setting)
        .delete("/api/v1/plugins/{id}/config/{config_id}", remove_setting)
}

async fn list_registrations(
    kernel: Shared<KernelHandle>,
    Query(page): Query<Page>,
) -> Result<Json<Vec<Registration>>> {
    let records = kernel.kernel()?.registrations().await?;
    let wanted = records.into_iter().filter(|record| record.enabled || !page.enabled_only);
    Ok(Json(wanted.skip(page.skip).take(page.limit).collect()))
}

async fn get_registration(kernel: Shared<KernelHandle>, Path(id): Path<i64>) -> Result<Json<Registration>> {
    Ok(Json(kernel.kernel()?.registration(id).await?))
}

async fn register(
    ctx: Context,
    kernel: Shared<KernelHandle>,
    Json(new): Json<NewRegistration>,
) -> Result<Created<Registration>> {
    Ok(Created(kernel.change(&ctx, async move |kernel, by| kernel.register(&by, new).await).await?))
}

async fn change_registration(
    ctx: Context,
    kernel: Shared<KernelHandle>,
    Path(id): Path<i64>,
    Json(change): Json<RegistrationChange>,
) -> Result<Switching> {
    Ok(Switching(
        kernel
            .change(&ctx, async move |kernel, by| kernel.change_registration(&by, id, change).await)
            .await?,
    ))
}

async fn unregister(ctx: Context, kernel: Shared<KernelHandle>, Path(id): Path<i64>) -> Result<NoContent> {
    kernel.change(&ctx, async move |kernel, by| kernel.unregister(&by, id).await).await?;
    Ok(NoContent)
}

async fn enable_registration(
    ctx: Context,
    kernel: Shared<KernelHandle>,
    Path(id): Path<i64>,
) -> Result<Switching> {
    Ok(Switching(
        kernel.change(&ctx, async move |kernel, by| kernel.switch_registered(&by, id, true).await).await?,
    ))
}

async fn disable_registration(
    ctx: Context,
    kernel: Shared<KernelHandle>,
    Path(id): Path<i64>,
) -> Result<Switching> {
    Ok(Switching(
        kernel.change(&ctx, async move |kernel, by| kernel.switch_registered(&by, id, false).await).await?,
    ))
}

async fn list_settings(
    kernel: Shared<KernelHandle>,
    Path(id): Path<i64>,
) -> Result<Json<Vec<RegistrationSetting>>> {
    Ok(Json(kernel.kernel()?.registration_settings(id).await?))
}

async fn add_setting(
    ctx: Context,
    kernel: Shared<KernelHandle>,
    Path(id): Path<i64>,
    Json(new): Json<NewSetting>,
) -> Result<Created<RegistrationSetting>> {
    let added = async move |kernel: Arc<Kernel>, by: By| {
        kernel.add_registration_setting(&by, id, &new.key, &new.value).await
    };
    Ok(Created(kernel.change(&ctx, added).await?))
}

async fn change_setting(
    ctx: Context,
    kernel: Shared<KernelHandle>,
    Path((id, config_id)): Path<(i64, i64)>,
    Json(changed): Json<ChangedSetting>,
) -> Result<Json<RegistrationSetting>> {
    Ok(Json(
        kernel
            .kernel()?
            .change_registration_setting(&By::of(ctx.call()), id, config_id, &changed.value)
            .await?,
    ))
}

async fn remove_setting(
    ctx: Context,
    kernel: Shared<KernelHandle>,
    Path((id, config_id)): Path<(i64, i64)>,
) -> Result<NoContent> {
    kernel.kernel()?.remove_registration_setting(&By::of(ctx.call()), id, config_id).await?;
    Ok(NoContent)
}

impl IntoAnswer for Switching {
    fn into_answer(self) -> Result<Response, Failure> {
        match self.0 {
            Switched::Done(record) => Json(*record).into_answer(),
            Switched::DoesNotLoad(reason) => {
                let detail = json!({ "detail": format!("Failed to load plugin: {reason}") });
                let mut response = Json(detail).into_answer()?;
                response.status = StatusCode::INTERNAL_SERVER_ERROR;
                Ok(response)
            }
        }
    }

    fn describe(operation: &mut Operation) {
        Json::<Registration>::describe(operation);
        operation.answers.push(Answer {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            description: "The plugin does not load; everything is as it was".to_owned(),
            body: Some(BodyDescription {
                content_type: "application/json".to_owned(),
                schema: json!({
                    "type": "object", "required": ["detail"], "properties": {"detail": {"type": "string"}},
                }),
            }),
        });
    }
}
