//! Organizations and what is on in them, from the terminal.

use std::fs;

use serde_json::json;

use crate::installation::Installation;

#[test]
fn organizations_are_made_shown_removed_and_brought_back() {
    let installation = Installation::new();
    assert_eq!(installation.run(&["account", "create", "ada@example.com"]).code, 0);
    let made =
        installation.run(&["org", "create", "acme", "--name", "Acme Inc.", "--owner", "Ada@Example.com"]);
    assert_eq!(made.code, 0, "{}", made.err);
    let listed = installation.json(&["org", "list", "ACME"]);
    assert_eq!((listed.as_array().unwrap().len(), &listed[0]["name"]), (1, &json!("Acme Inc.")));
    let shown = installation.run(&["org", "show", "acme"]).out;
    for said in ["Acme Inc.", "ada@example.com", "owner", "clips"] {
        assert!(shown.contains(said), "{said} in {shown}");
    }
    assert_eq!(installation.run(&["org", "remove", "acme"]).code, 0);
    assert_eq!(installation.run(&["org", "show", "acme"]).code, 1);
    assert_eq!(installation.json(&["org", "list", "--removed"])[0]["slug"], "acme");
    assert_eq!(installation.run(&["org", "restore", "acme"]).code, 0);
    assert!(installation.run(&["org", "list"]).out.contains("acme"));
    let nobody = installation.run(&["org", "create", "other", "--owner", "nobody@example.com"]);
    assert!(nobody.code == 1 && nobody.err.contains("no account nobody@example.com"), "{}", nobody.err);
    let elsewhere = installation.run(&["org", "show", "../tokens"]);
    assert!(elsewhere.code == 1 && elsewhere.err.contains("no organization"), "{}", elsewhere.err);
}

#[test]
fn plugins_are_switched_in_many_organizations_and_rolled_out() {
    let installation = Installation::new();
    for slug in ["acme", "umbrella"] {
        assert_eq!(installation.run(&["org", "create", slug]).code, 0);
    }
    let is_on = |slug: &str, plugin: &str| {
        let shown = installation.json(&["org", "show", slug]);
        let plugins = shown["plugins"].as_array().unwrap();
        plugins.iter().find(|it| it["id"] == plugin).unwrap()["enabled"] == true
    };
    let tried = installation.run(&["plugin", "disable", "highlight_detector", "--all-orgs", "--dry-run"]);
    assert_eq!(tried.code, 0, "{}", tried.err);
    assert!(
        tried.out.contains("would be switched: highlight_detector\n  in 3: acme, default, umbrella"),
        "{}",
        tried.out
    );
    assert!(is_on("acme", "highlight_detector"));
    let off = ["plugin", "disable", "highlight_detector", "--org", "acme", "--org", "umbrella"];
    assert_eq!(installation.run(&off).code, 0);
    assert!(!is_on("acme", "highlight_detector") && is_on("default", "highlight_detector"));

    let set = installation.run(&["plugin", "rollout", "set", "highlight_detector", "--org", "acme"]);
    assert_eq!(set.code, 0, "{}", set.err);
    assert!(set.err.contains("it is on in 1 of 1"), "{}", set.err);
    assert!(is_on("acme", "highlight_detector") && !is_on("umbrella", "highlight_detector"));
    let share = installation.run(&["plugin", "rollout", "set", "highlight_detector", "--percent", "100"]);
    assert!(
        share.out.contains("left off, as the organization had switched it off: highlight_detector"),
        "{}",
        share.out
    );
    assert_eq!(installation.json(&["plugin", "rollout", "show", "highlight_detector"])["percent"], 100);
    let ended = installation.run(&["plugin", "rollout", "end", "highlight_detector", "--disable"]);
    assert_eq!(ended.code, 0, "{}", ended.err);
    assert!(!is_on("acme", "highlight_detector"));
    assert_eq!(installation.run(&["plugin", "rollout", "show", "highlight_detector"]).code, 1);
    assert_eq!(
        installation.run(&["plugin", "rollout", "set", "highlight_detector"]).code,
        2,
        "how far is to be said"
    );

    let access = installation.run(&["plugin", "access", "grant", "highlight_detector", "acme"]);
    assert!(access.code == 1 && access.err.contains("is not private"), "{}", access.err);
    assert!(
        installation.run(&["plugin", "access", "list", "highlight_detector"]).out.contains("no organization")
    );
}

#[test]
fn feature_flags_of_an_older_system_become_plugins_that_are_on_or_off() {
    let installation = Installation::new();
    assert_eq!(installation.run(&["org", "create", "acme"]).code, 0);
    let (file, mapping) = (installation.beside("flags.csv"), installation.beside("flags.toml"));
    fs::write(&file, "organization_id,feature_key,enabled\n7,highlights,false\n7,banner,true\n").unwrap();
    fs::write(
        &mapping,
        "ignore = ['banner']\n[fields]\norganization = 'organization_id'\nflag = 'feature_key'\n\
         [organizations]\n7 = 'acme'\n[flags]\nhighlights = ['highlight_detector']\n",
    )
    .unwrap();
    let (file_name, mapping_name) = (file.display().to_string(), mapping.display().to_string());
    let import = ["import", "feature-flags", file_name.as_str(), "--mapping", mapping_name.as_str()];
    let tried = installation.run(&[&import[..], &["--dry-run"]].concat());
    assert_eq!(tried.code, 0, "{}", tried.err);
    assert!(tried.out.contains("would be switched: highlight_detector\n  in 1: acme"), "{}", tried.out);
    let done = installation.json(&import);
    assert_eq!((&done["switched"], &done["lines"][0]["organization"]), (&json!(1), &json!("acme")));
    let again = installation.json(&import);
    assert_eq!((&again["switched"], &again["unchanged"]), (&json!(0), &json!(1)));

    fs::write(&file, "organization_id,feature_key,enabled\n7,races,true\n9,highlights,true\n").unwrap();
    let wrong = installation.run(&import);
    assert!(wrong.code == 1 && wrong.err.contains("record 1: flag `races` stands neither"), "{}", wrong.err);
    fs::write(&file, "organization_id,feature_key,enabled\n9,highlights,true\n").unwrap();
    let wrong = installation.run(&import);
    assert!(wrong.code == 1 && wrong.err.contains("there is no organization `9`"), "{}", wrong.err);
    fs::write(&mapping, "[flagz]\n").unwrap();
    let wrong = installation.run(&import);
    assert!(
        wrong.code == 1 && wrong.err.contains("is no mapping") && wrong.err.contains("try:"),
        "{}",
        wrong.err
    );
}
