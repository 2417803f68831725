//! Signing in by Discord.

use serde_json::json;
use switchboard_server::external_sign_in::{Person, Purpose};

use crate::{
    discord_double::DiscordDouble,
    visitor::{by_discord, cookie, knowing, sentence, sign_in, visit},
};

#[tokio::test]
async fn somebody_signs_in_by_discord() {
    let discord = DiscordDouble::start().await;
    let external = knowing(vec![by_discord(&discord)]);
    let ada = Person {
        subject: "80351110224678912".to_owned(),
        email: Some("ada@example.com".to_owned()),
        is_email_verified: true,
        name: Some("Ada L.".to_owned()),
    };
    assert_eq!(sign_in(&external, "discord").await.unwrap().person, ada);
    discord.user(json!({"id": "7", "username": "ada", "global_name": null, "email": "a@example.com", "verified": false}));
    let ada = sign_in(&external, "discord").await.unwrap().person;
    assert_eq!((ada.name.as_deref(), ada.is_email_verified), (Some("ada"), false));
    discord.user(json!({"id": "7", "username": "ada"}));
    assert_eq!(sign_in(&external, "discord").await.unwrap().person.email, None);
}

#[tokio::test]
async fn what_discord_does_not_say_or_refuses_signs_nobody_in() {
    let discord = DiscordDouble::start().await;
    let external = knowing(vec![by_discord(&discord)]);
    let begun = external.begin("discord", Purpose::SignIn, None).await.unwrap();
    let mut returned = visit(&begun, "/api/auth/external/discord/callback").await;
    returned.code = Some("forged".to_owned());
    let why = sentence("forbidden", external.finish("discord", returned, Some(&cookie(&begun))).await);
    assert!(why.contains("Discord"), "{why}");
    for nobody in [json!({"username": "ada"}), json!("ada"), json!({"id": 7, "username": "ada"})] {
        discord.user(nobody);
        sentence("unavailable", sign_in(&external, "discord").await);
    }
    let mut wrong = by_discord(&discord);
    wrong.client_secret = Some("wrong".to_owned());
    sentence("unavailable", sign_in(&knowing(vec![wrong]), "discord").await);
}
