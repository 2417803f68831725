//! Configuration: its layers, its checks, its history, and what is secret in it.

use std::{
    fs,
    path::Path,
    sync::{Arc, Mutex},
};

use serde_json::{Map, Value as Json, json};
use switchboard_api::OrganizationId;
use switchboard_kernel::{By, Edit, Exported, KERNEL_ROOM, Kernel, References, Source};
use switchboard_sdk::{Context, Definition, Failure};
use switchboard_testkit::Stage;

use crate::small_plugins::{Diary, built, manifest, plugin};

const KEEPER: &str = r#"enabled_by_default: true
provides:
  services: [{name: keeper.config}]
config_schema:
  type: object
  properties:
    greeting: {type: string, minLength: 1, title: Greeting, description: What is said., default: Hi}
    volume: {type: integer, minimum: 0, default: 1}
    pitch: {type: integer, default: 1}
    strict: {type: boolean}
    key: {type: string, secret: true, pattern: "^[a-z-]+$"}
    mail:
      type: object
      properties:
        from: {type: string}
        password: {type: string, secret: true}
  if: {properties: {strict: {const: true}}, required: [strict]}
  then: {properties: {volume: {maximum: 5}}}
config_defaults: {volume: 3}"#;

async fn config(ctx: Context, (): ()) -> Result<Json, Failure> {
    ctx.config()
}

fn keeper() -> Definition {
    let code = json!({"volume": 2, "pitch": 2});
    plugin("keeper", KEEPER).service("keeper.config", config).config_defaults(&code)
}

fn by() -> By {
    By::system("test")
}

fn object(value: Json) -> Map<String, Json> {
    value.as_object().cloned().unwrap()
}

async fn set(kernel: &Kernel, organization: Option<&str>, config: Json) {
    kernel.configure(&by(), "keeper", organization, object(config)).await.unwrap();
}

async fn refusal(kernel: &Kernel, organization: Option<&str>, config: Json) -> String {
    kernel.configure(&by(), "keeper", organization, object(config)).await.unwrap_err().to_string()
}

async fn read(stage: &Stage, organization: &str) -> Json {
    stage.service_for(organization, "keeper.config", &json!(null)).await.unwrap()
}

async fn with_acme() -> Stage {
    let stage = Stage::with([built(keeper())]).await;
    stage.kernel().create_organization(&by(), "acme", "Acme").await.unwrap();
    stage
}

/// Whether a text is in any file below a folder.
fn is_in_files(text: &str, folder: &Path) -> bool {
    fs::read_dir(folder).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            return is_in_files(text, &path);
        }
        fs::read(path).unwrap().windows(text.len()).any(|window| window == text.as_bytes())
    })
}

async fn rows(stage: &Stage, sql: &str) -> Vec<String> {
    let room = stage.store().room(KERNEL_ROOM).await.unwrap();
    let rows = room.query(sql, vec![]).await.unwrap().to::<(String,)>().unwrap();
    rows.into_iter().map(|(text,)| text).collect()
}

#[tokio::test]
async fn a_higher_layer_stands_above_a_lower_one_property_by_property() {
    let stage = with_acme().await;
    let kernel = stage.kernel();
    // The schema says 1 of all, the code 2, the manifest 3.
    assert_eq!(read(&stage, "acme").await, json!({"greeting": "Hi", "pitch": 2, "volume": 3}));
    set(kernel, None, json!({"volume": 4, "mail": {"from": "a@b.c"}})).await;
    set(kernel, Some("acme"), json!({"greeting": "Moin", "mail": {}})).await;
    let expected = json!({"greeting": "Moin", "pitch": 2, "volume": 4, "mail": {}});
    assert_eq!(read(&stage, "acme").await, expected);
    let expected = json!({"greeting": "Hi", "pitch": 2, "volume": 4, "mail": {"from": "a@b.c"}});
    assert_eq!(read(&stage, "default").await, expected);
    let shown = kernel.shown_config("keeper", Some("acme")).unwrap();
    let layer = |name: &str| shown.properties.iter().find(|property| property.name == name).unwrap().layer;
    assert_eq!(layer("greeting"), Some(Source::Organization));
    assert_eq!(layer("volume"), Some(Source::Installation));
    assert_eq!((layer("pitch"), layer("key")), (Some(Source::Code), None));
    let shown = kernel.shown_config("keeper", None).unwrap();
    let volume = shown.properties.iter().find(|property| property.name == "volume").unwrap();
    assert_eq!((&volume.value, &volume.default), (&Some(json!(4)), &Some(json!(3))));
    let greeting = &shown.properties[0];
    assert_eq!(greeting.title.as_deref(), Some("Greeting"));
    assert_eq!(greeting.description.as_deref(), Some("What is said."));
}

#[tokio::test]
async fn defaults_in_the_code_that_break_the_schema_keep_the_plugin_from_loading() {
    for (defaults, expected) in [
        (json!({"volume": -1}), "the code's default of `volume` breaks `config_schema`"),
        (json!(7), "the defaults of the configuration in the code are no object"),
    ] {
        let stage = Stage::with_some_failing([built(keeper().config_defaults(&defaults))]).await;
        let reason = crate::small_plugins::reason(&stage, "keeper");
        assert!(reason.contains(expected), "{reason}");
    }
}

#[tokio::test]
async fn a_name_that_the_schema_does_not_know_is_refused_at_any_depth() {
    let stage = with_acme().await;
    for (config, place) in
        [(json!({"volum": 1}), "config.volum"), (json!({"mail": {"form": "a"}}), "config.mail.form")]
    {
        let said = refusal(stage.kernel(), None, config).await;
        assert_eq!(said, format!("{place}: Extra inputs are not permitted"));
    }
}

#[tokio::test]
async fn what_an_installation_sets_must_be_right_for_every_organization() {
    let stage = with_acme().await;
    set(stage.kernel(), Some("acme"), json!({"volume": 9})).await;
    let said = refusal(stage.kernel(), None, json!({"strict": true})).await;
    let expected = "config.volume: for organization `acme`: Input should be less than or equal to 5";
    assert_eq!(said, expected);
    assert_eq!(read(&stage, "default").await["strict"], json!(null));
}

#[tokio::test]
async fn when_one_organization_refuses_those_that_were_told_are_told_the_old_again() {
    let diary = Diary::default();
    let told = diary.clone();
    let keeper = keeper().on_config_changed(move |ctx: Context, config: Json| {
        let told = told.clone();
        async move {
            let slug = ctx.organization()?.slug.clone();
            told.write(format!("{slug} {}", config["greeting"]));
            if slug == "zoo" { Err(Failure::conflict("the animals are asleep")) } else { Ok(()) }
        }
    });
    let stage = Stage::with([built(keeper)]).await;
    let kernel = stage.kernel();
    for slug in ["acme", "own", "zoo"] {
        kernel.create_organization(&by(), slug, slug).await.unwrap();
    }
    set(kernel, Some("own"), json!({"greeting": "Own"})).await;
    diary.take();
    let said = refusal(kernel, None, json!({"greeting": "Hello"})).await;
    assert!(said.contains("the animals are asleep"), "{said}");
    // The one with a greeting of its own is not touched.
    let expected = ["default \"Hello\"", "acme \"Hello\"", "zoo \"Hello\"", "acme \"Hi\"", "default \"Hi\""];
    assert_eq!(diary.take(), expected);
    assert_eq!(read(&stage, "acme").await["greeting"], "Hi");
    assert_eq!(kernel.config_history("keeper", None, 0, 10).await.unwrap().total, 0);
    assert!(
        rows(&stage, "select action from audit").await.iter().filter(|a| *a == "plugin.configured").count()
            == 1
    );
}

#[tokio::test]
async fn a_secret_is_read_by_the_plugin_and_stands_in_no_file() {
    let stage = with_acme().await;
    let kernel = stage.kernel();
    set(kernel, None, json!({"key": "hush-a", "mail": {"from": "f", "password": "hush-b"}})).await;
    set(kernel, Some("acme"), json!({"key": "hush-c"})).await;
    assert_eq!(read(&stage, "default").await["key"], "hush-a");
    assert_eq!(read(&stage, "default").await["mail"], json!({"from": "f", "password": "hush-b"}));
    assert_eq!(read(&stage, "acme").await["key"], "hush-c");
    assert!(rows(&stage, "select config from setting").await[0].contains("swb1:"));
    assert!(!is_in_files("hush-", stage.folder()));
    let audit =
        rows(&stage, "select coalesce(before, '') || coalesce(after, '') from audit").await.join("\n");
    assert!(audit.contains("•••") && !audit.contains("hush") && !audit.contains("swb1"), "{audit}");
    let shown = json!(kernel.shown_config("keeper", Some("acme")).unwrap()).to_string();
    assert!(!shown.contains("hush") && !shown.contains("swb1"), "{shown}");
    let stage = stage.again_with([built(keeper())]).await;
    assert_eq!(read(&stage, "acme").await["key"], "hush-c");
}

#[tokio::test]
async fn what_is_wrong_with_a_secret_is_said_without_it() {
    let quoting = keeper().on_config_changed(async |_: Context, config: Json| {
        let key = config["key"].as_str().unwrap_or("-").to_owned();
        if key == "hush-refused" { Err(Failure::conflict(format!("`{key}` is no key"))) } else { Ok(()) }
    });
    let stage = Stage::with([built(quoting)]).await;
    let kernel = stage.kernel();
    for config in
        [json!({"key": "HUSH"}), json!({"key": ["HUSH"]}), json!({"keey": "HUSH"}), json!({"mail": "HUSH"})]
    {
        let is_secret = config.get("mail").is_none();
        let failure = kernel.configure(&by(), "keeper", None, object(config)).await.unwrap_err();
        let failure = format!("{:?}", Failure::from(failure));
        assert!(!(is_secret && failure.contains("HUSH")), "{failure}");
    }
    let said = refusal(kernel, None, json!({"key": "hush-refused"})).await;
    assert!(said.contains("`•••` is no key"), "{said}");
    let said = refusal(kernel, None, json!({"key": "•••"})).await;
    assert!(said.contains("leave it out to keep the secret"), "{said}");
    let said = refusal(kernel, None, json!({"key": {"$sealed": "swb1:k:AAAA"}})).await;
    assert!(said.contains("cannot be sent"), "{said}");
}

#[tokio::test]
async fn a_patch_changes_what_it_names_and_null_removes() {
    let stage = with_acme().await;
    let kernel = stage.kernel();
    set(kernel, None, json!({"volume": 4, "key": "hush", "mail": {"from": "f", "password": "p"}})).await;
    let patch = async |patch: Json| {
        kernel.edit_config(&by(), "keeper", None, Edit::Merge(object(patch))).await.unwrap();
    };
    patch(json!({"mail": {"from": "g"}, "volume": null})).await;
    let read_now = read(&stage, "default").await;
    assert_eq!(read_now["mail"], json!({"from": "g", "password": "p"}));
    assert_eq!((&read_now["volume"], &read_now["key"]), (&json!(3), &json!("hush")));
    patch(json!({"key": null, "mail": {"password": null}})).await;
    let read_now = read(&stage, "default").await;
    assert_eq!((&read_now["key"], &read_now["mail"]), (&json!(null), &json!({"from": "g"})));
}

#[tokio::test]
async fn the_history_says_who_changed_what_and_undoing_brings_secrets_back() {
    let stage = with_acme().await;
    let kernel = stage.kernel();
    set(kernel, Some("acme"), json!({"key": "first", "volume": 1})).await;
    set(kernel, Some("acme"), json!({"key": "first", "volume": 2})).await;
    set(kernel, Some("acme"), json!({"key": "second", "volume": 2})).await;
    set(kernel, Some("acme"), json!({"key": null})).await;
    let history = kernel.config_history("keeper", Some("acme"), 0, 10).await.unwrap();
    let changed: Vec<_> =
        history.entries.iter().map(|entry| (entry.number, entry.changed.join(" "))).collect();
    let expected = [(4, "key volume"), (3, "key"), (2, "volume"), (1, "key volume")];
    assert_eq!(changed, expected.map(|(number, changed)| (number, changed.to_owned())));
    let third = &history.entries[1];
    assert_eq!((&third.before["key"], &third.after["key"]), (&json!("•••"), &json!("•••")));
    assert_eq!((third.actor_kind.as_str(), third.request.as_str()), ("system", "test"));
    let page = kernel.config_history("keeper", Some("acme"), 1, 2).await.unwrap();
    assert_eq!((page.total, page.entries[0].number, page.entries.len()), (4, 3, 2));

    kernel.edit_config(&by(), "keeper", Some("acme"), Edit::Undo(4)).await.unwrap();
    assert_eq!(read(&stage, "acme").await["key"], "second");
    kernel.edit_config(&by(), "keeper", Some("acme"), Edit::Undo(2)).await.unwrap();
    let now = read(&stage, "acme").await;
    assert_eq!((&now["key"], &now["volume"]), (&json!("first"), &json!(1)));
    let latest = kernel.config_history("keeper", Some("acme"), 0, 1).await.unwrap();
    assert_eq!((latest.total, latest.entries[0].undoes), (6, Some(2)));
    let said = kernel.edit_config(&by(), "keeper", Some("acme"), Edit::Undo(99)).await.unwrap_err();
    assert!(said.to_string().contains("no change 99"), "{said}");
}

#[tokio::test]
async fn a_history_keeps_the_latest_changes_alone() {
    let stage = with_acme().await;
    for volume in 0..105 {
        set(stage.kernel(), None, json!({"volume": volume})).await;
    }
    let history = stage.kernel().config_history("keeper", None, 0, 1000).await.unwrap();
    assert_eq!((history.total, history.entries.last().unwrap().number), (100, 6));
}

#[tokio::test]
async fn a_sealed_secret_that_is_moved_to_another_organization_does_not_open_there() {
    let stage = with_acme().await;
    set(stage.kernel(), Some("acme"), json!({"key": "hush"})).await;
    set(stage.kernel(), Some("default"), json!({"greeting": "Hey"})).await;
    let room = stage.store().room(KERNEL_ROOM).await.unwrap();
    let acme = stage.kernel().named("acme").unwrap().id;
    let default = stage.kernel().named("default").unwrap().id;
    let sql = "update setting set config = (select config from setting where organization_id = $1) \
               where organization_id = $2";
    room.execute(sql, vec![acme.into(), default.into()]).await.unwrap();
    stage.kernel().read_settings().await.unwrap();
    let failure = stage.service("keeper.config", &json!(null)).await.unwrap_err();
    assert_eq!(failure.kind(), "unavailable");
    let said = failure.to_string();
    let expected = "the configuration of plugin `keeper` for organization `default` cannot be read: the secret `key` does \
                    not open: ";
    assert!(said.starts_with(expected) && said.contains("sealed for another place"), "{said}");
    // Setting it anew is the way out.
    set(stage.kernel(), Some("default"), json!({"key": "anew"})).await;
    assert_eq!(read(&stage, "default").await["key"], "anew");
}

#[tokio::test]
async fn a_rotation_seals_everything_anew_and_drops_the_old_key() {
    let stage = with_acme().await;
    let kernel = stage.kernel();
    set(kernel, None, json!({"key": "first"})).await;
    set(kernel, None, json!({"key": "second"})).await;
    set(kernel, Some("acme"), json!({"key": "third", "volume": 2})).await;
    let old = kernel.secrets_status().await.unwrap().keys[0].key.clone();
    let rotated = kernel.rotate_secrets(&by()).await.unwrap();
    assert_eq!((&rotated.dropped, &rotated.left), (&vec![old.clone()], &vec![]));
    let status = kernel.secrets_status().await.unwrap();
    assert_eq!(status.keys.len(), 1);
    assert_eq!((&status.keys[0].key, status.keys[0].seals), (&rotated.key, true));
    assert_eq!(status.keys[0].secrets, rotated.resealed);
    assert_eq!(read(&stage, "default").await["key"], "second");
    let history = stage.kernel().config_history("keeper", None, 0, 10).await.unwrap();
    assert_eq!(history.entries[0].changed, ["key"]);
    stage.kernel().edit_config(&by(), "keeper", None, Edit::Undo(2)).await.unwrap();
    let stage = stage.again_with([built(keeper())]).await;
    assert_eq!(read(&stage, "default").await["key"], "first");
    assert_eq!(read(&stage, "acme").await["key"], "third");
}

#[tokio::test]
async fn a_secret_whose_key_is_lost_is_named_with_the_way_out_and_survives_a_rotation() {
    let stage = with_acme().await;
    set(stage.kernel(), None, json!({"key": "hush"})).await;
    let keys = stage.folder().join("keys");
    let (kept, lost) =
        (fs::read(&keys).unwrap(), stage.kernel().secrets_status().await.unwrap().keys[0].key.clone());
    fs::remove_file(&keys).unwrap();
    let stage = stage.again_with([built(keeper())]).await;
    let said = stage.service("keeper.config", &json!(null)).await.unwrap_err().to_string();
    assert!(said.contains("restore the key file"), "{said}");
    let rotated = stage.kernel().rotate_secrets(&by()).await.unwrap();
    assert!(rotated.left[0].contains(lost.as_str()), "{:?}", rotated.left);
    let status = stage.kernel().secrets_status().await.unwrap();
    assert!(status.keys.iter().any(|key| key.missing && key.key == lost));
    let keys = stage.folder().join("keys");
    let both = [kept, fs::read(&keys).unwrap()].concat();
    fs::write(&keys, both).unwrap();
    assert_eq!(read(&stage, "default").await["key"], "hush");
}

#[tokio::test]
async fn secrets_that_were_stored_as_they_are_are_sealed_at_the_next_start() {
    let open = KEEPER.replace(", secret: true", "");
    let open = Definition::new(manifest("keeper", "1.0.0", &open)).service("keeper.config", config);
    let stage = Stage::with([built(open)]).await;
    set(stage.kernel(), None, json!({"key": "hush-before", "mail": {"password": "hush-too"}})).await;
    assert!(rows(&stage, "select config from setting").await.join("").contains("hush-before"));
    let stage = stage.again_with([built(keeper())]).await;
    assert_eq!(read(&stage, "default").await["key"], "hush-before");
    assert_eq!(read(&stage, "default").await["mail"]["password"], "hush-too");
    let stored =
        rows(&stage, "select config || (select max(after) from setting_history) from setting").await.join("");
    assert!(stored.contains("swb1:") && !stored.contains("hush"), "{stored}");
    // The audit log, which is written once and never again, has what was said before it was a secret.
    let stage = stage.again_with([built(keeper())]).await;
    let shown = json!(stage.kernel().shown_config("keeper", None).unwrap()).to_string();
    assert!(!shown.contains("hush"), "{shown}");
}

fn references(folder: &Path, port: Arc<Mutex<Option<String>>>) -> References {
    let environment = move |name: &str| match name {
        "SWITCHBOARD_PLUGIN_VOLUME" => port.lock().unwrap().clone(),
        _ => None,
    };
    References {
        folder: Some(folder.to_owned()),
        environment: Arc::new(environment),
        ..References::default()
    }
}

#[tokio::test]
async fn a_value_may_stand_in_the_environment_or_in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("key"), "hush\n").unwrap();
    let volume = Arc::new(Mutex::new(Some("7".to_owned())));
    let setup = Stage::setup().references(references(folder.path(), Arc::clone(&volume)));
    let stage = setup.with([built(keeper())]).await;
    let kernel = stage.kernel();
    let (env, file) = (json!({"$env": "SWITCHBOARD_PLUGIN_VOLUME"}), json!({"$file": "key"}));
    set(kernel, None, json!({"volume": env, "key": file})).await;
    let now = read(&stage, "default").await;
    assert_eq!((&now["volume"], &now["key"]), (&json!(7), &json!("hush")));
    let shown = kernel.shown_config("keeper", Some("default")).unwrap();
    let property = |name: &str| shown.properties.iter().find(|property| property.name == name).unwrap();
    assert_eq!((&property("volume").reference, &property("volume").value), (&Some(env), &None));
    assert_eq!((&property("key").reference, property("key").set), (&Some(file), true));

    // Read once, and anew when asked to.
    *volume.lock().unwrap() = Some("8".to_owned());
    assert_eq!(read(&stage, "default").await["volume"], 7);
    kernel.read_settings().await.unwrap();
    assert_eq!(read(&stage, "default").await["volume"], 8);
    *volume.lock().unwrap() = Some("-1".to_owned());
    kernel.read_settings().await.unwrap();
    let failure = stage.service("keeper.config", &json!(null)).await.unwrap_err();
    assert_eq!(failure.kind(), "unavailable");
    assert!(failure.to_string().contains("config.volume: Input should be greater"), "{failure}");
    *volume.lock().unwrap() = None;
    let failure = stage.service("keeper.config", &json!(null)).await.unwrap_err().to_string();
    assert!(
        failure.contains("`volume`") && failure.contains("`SWITCHBOARD_PLUGIN_VOLUME` is not set"),
        "{failure}"
    );
}

#[tokio::test]
async fn an_organization_cannot_look_into_the_servers_environment() {
    let folder = tempfile::tempdir().unwrap();
    let volume = Arc::new(Mutex::new(Some("7".to_owned())));
    let stage = Stage::setup().references(references(folder.path(), volume)).with([built(keeper())]).await;
    for config in [
        json!({"volume": {"$env": "SWITCHBOARD_PLUGIN_VOLUME"}}),
        json!({"mail": {"from": {"$file": "key"}}}),
    ] {
        let failure =
            stage.kernel().configure(&by(), "keeper", Some("default"), object(config)).await.unwrap_err();
        let failure = Failure::from(failure);
        assert_eq!(failure.kind(), "forbidden");
        assert!(failure.to_string().contains("only an administrator of the whole server"), "{failure}");
    }
    let said = refusal(stage.kernel(), None, json!({"key": {"$env": "HOME"}})).await;
    assert!(said.contains("`HOME` may not be referred to"), "{said}");
}

#[tokio::test]
async fn a_reference_that_came_into_an_organizations_layer_another_way_is_not_followed() {
    let folder = tempfile::tempdir().unwrap();
    let volume = Arc::new(Mutex::new(Some("7".to_owned())));
    let stage = Stage::setup().references(references(folder.path(), volume)).with([built(keeper())]).await;
    let room = stage.store().room(KERNEL_ROOM).await.unwrap();
    let sql =
        "insert into setting (plugin_id, organization_id, config, changed_at) values ('keeper', $1, $2, '')";
    let config = r#"{"volume": {"$env": "SWITCHBOARD_PLUGIN_VOLUME"}}"#;
    room.execute(sql, vec![OrganizationId(1).into(), config.into()]).await.unwrap();
    stage.kernel().read_settings().await.unwrap();
    assert_eq!(read(&stage, "default").await["volume"], json!({"$env": "SWITCHBOARD_PLUGIN_VOLUME"}));
}

#[tokio::test]
async fn what_was_exported_is_imported_elsewhere_without_secrets() {
    let stage = with_acme().await;
    set(stage.kernel(), Some("acme"), json!({"volume": 4, "key": "hush", "mail": {"password": "p"}})).await;
    let exported = stage.kernel().export_config(None, Some("acme")).unwrap();
    let expected = json!({
        "organization": "acme",
        "plugins": {"keeper": {"config": {"volume": 4, "mail": {}}, "secrets": ["key", "mail.password"]}},
    });
    assert_eq!(json!(exported), expected);
    let tried = stage.kernel().import_config(&by(), Some("default"), exported.clone(), true).await.unwrap();
    assert!(!tried.done);
    assert_eq!(tried.plugins[0].missing_secrets, ["key", "mail.password"]);
    let change = &tried.plugins[0].changes[1];
    assert_eq!((change.name.as_str(), &change.before, &change.after), ("volume", &None, &Some(json!(4))));
    assert_eq!(read(&stage, "default").await["volume"], 3);
    set(stage.kernel(), Some("default"), json!({"key": "own", "greeting": "Hey"})).await;
    let done = stage.kernel().import_config(&by(), Some("default"), exported, false).await.unwrap();
    assert_eq!((done.done, &done.plugins[0].missing_secrets), (true, &vec!["mail.password".to_owned()]));
    let now = read(&stage, "default").await;
    assert_eq!((&now["volume"], &now["key"], &now["greeting"]), (&json!(4), &json!("own"), &json!("Hi")));
}

#[tokio::test]
async fn an_import_with_a_fault_anywhere_changes_nothing() {
    let stage = with_acme().await;
    let import: Exported = serde_json::from_value(json!({"plugins": {
        "keeper": {"config": {"volume": 4}},
        "nobody": {"config": {}},
    }}))
    .unwrap();
    let tried = stage.kernel().import_config(&by(), None, import.clone(), true).await.unwrap();
    let faults: Vec<_> = tried.plugins.iter().map(|plugin| plugin.faults.len()).collect();
    assert_eq!(faults, [0, 1]);
    let said = stage.kernel().import_config(&by(), None, import, false).await.unwrap_err().to_string();
    assert!(said.contains("plugins.nobody: there is no plugin `nobody`"), "{said}");
    assert_eq!(read(&stage, "default").await["volume"], 3);
    let wrong: Exported =
        serde_json::from_value(json!({"plugins": {"keeper": {"config": {"volume": -4, "x": 1}}}})).unwrap();
    let tried = stage.kernel().import_config(&by(), None, wrong, true).await.unwrap();
    let mut places: Vec<_> = tried.plugins[0].faults.iter().map(|fault| fault.place.as_str()).collect();
    places.sort_unstable();
    assert_eq!(places, ["config.volume", "config.x"]);
}
