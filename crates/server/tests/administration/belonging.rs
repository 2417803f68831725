//! `/api/org/{org}/organization`: who belongs to an organization, how they come and go, and what it switches on for itself.

use reqwest::Method;
use serde_json::{Value as Json, json};

use crate::stage::{Answer, Stage};

const OWN: &str = "/api/org/acme/organization";

/// A server with the organization `acme`, that account 2 owns and in which account 4 has these roles; and their tokens.
async fn acme(roles: &str) -> (Stage, String, String) {
    let stage = Stage::new().await;
    let new = json!({"slug": "acme", "name": "Acme", "owner": 2});
    stage.post("/api/admin/organizations", new).await.json(201);
    let (owner, other) = (stage.person(2).await, stage.person(4).await);
    join(&stage, &owner, &other, roles).await;
    (stage, owner, other)
}

async fn join(stage: &Stage, by: &str, person: &str, role: &str) {
    let made = ask(stage, Method::POST, "/invitations", by, json!({"role": role})).await.json(201);
    accept(stage, person, made["code"].as_str().unwrap()).await.json(200);
}

async fn accept(stage: &Stage, person: &str, code: &str) -> Answer {
    stage.ask(Method::POST, &format!("/api/invitations/{code}/accept"), Some(person), Some(json!({}))).await
}

async fn ask(stage: &Stage, method: Method, below: &str, token: &str, body: Json) -> Answer {
    let body = (method != Method::GET).then_some(body);
    stage.ask(method, &format!("{OWN}{below}"), Some(token), body).await
}

async fn get(stage: &Stage, below: &str, token: &str) -> Answer {
    ask(stage, Method::GET, below, token, Json::Null).await
}

#[tokio::test(flavor = "multi_thread")]
async fn members_see_their_organization_and_strangers_do_not_know_that_it_exists() {
    let (stage, owner, member) = acme("member").await;
    let stranger = stage.person(6).await;
    assert_eq!(get(&stage, "", &owner).await.json(200)["slug"], "acme");
    let listed = get(&stage, "/members", &member).await.json(200);
    assert_eq!(listed["total"], 2);
    assert_eq!(listed["members"][0]["email"], "2@example.com");
    assert_eq!(get(&stage, "/members?q=PERSON%204", &member).await.json(200)["total"], 1);
    assert_eq!(get(&stage, "/members?role=owner", &member).await.json(200)["total"], 1);
    for below in ["", "/members", "/plugins", "/invitations"] {
        let said = get(&stage, below, &stranger).await.detail(404);
        assert_eq!(said, "there is no organization `acme`", "{below}");
    }
    assert_eq!(get(&stage, "/invitations", &member).await.status, 403);
    assert_eq!(ask(&stage, Method::PATCH, "", &member, json!({"name": "Mine"})).await.status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_are_checked_and_how_often_it_may_be_called_for_is_not_its_own_to_say() {
    let (stage, owner, _) = acme("member").await;
    let settings = json!({"time_zone": "Europe/Berlin", "locale": "de"});
    let changed =
        ask(&stage, Method::PATCH, "", &owner, json!({"name": "Acme 2", "settings": settings})).await;
    let changed = changed.json(200);
    assert_eq!((&changed["name"], &changed["settings"]["locale"]), (&json!("Acme 2"), &json!("de")));
    let wrong = json!({"settings": {"time_zone": "berlin", "locale": "de_DE"}});
    let faults = ask(&stage, Method::PATCH, "", &owner, wrong).await.faults();
    assert_eq!(faults, ["locale body.settings.locale", "time_zone body.settings.time_zone"]);
    let own = json!({"settings": {"calls_per_second": 9}});
    assert_eq!(ask(&stage, Method::PATCH, "", &owner, own).await.status, 422);
    let rate = "/api/admin/organizations/acme/rate";
    stage.put(rate, json!({"calls_per_second": 50})).await.json(200);
    let seen = ask(&stage, Method::PATCH, "", &owner, json!({"settings": {}})).await.json(200);
    assert_eq!(seen["settings"], json!({"time_zone": null, "locale": null, "calls_per_second": 50}));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_an_owner_makes_owners_and_the_last_one_stays() {
    let (stage, owner, admin) = acme("admin").await;
    let roles = |roles: &[&str]| json!({"roles": roles});
    assert_eq!(ask(&stage, Method::PATCH, "/members/4", &admin, roles(&["owner"])).await.status, 403);
    assert_eq!(ask(&stage, Method::PATCH, "/members/2", &admin, roles(&["member"])).await.status, 403);
    assert_eq!(ask(&stage, Method::DELETE, "/members/2", &admin, Json::Null).await.status, 403);
    assert_eq!(ask(&stage, Method::POST, "/invitations", &admin, json!({"role": "owner"})).await.status, 403);
    let said = ask(&stage, Method::POST, "/leave", &owner, json!({})).await.detail(409);
    assert!(said.contains("last owner"), "{said}");
    assert_eq!(ask(&stage, Method::PATCH, "/members/2", &owner, roles(&["admin"])).await.status, 409);
    let said = ask(&stage, Method::PATCH, "/members/4", &owner, roles(&["emperor"])).await.detail(422);
    assert!(said.contains("no role `emperor`") && said.contains("`viewer`"), "{said}");
    assert_eq!(ask(&stage, Method::PATCH, "/members/99", &owner, roles(&["member"])).await.status, 404);
    ask(&stage, Method::PATCH, "/members/4", &owner, roles(&["owner"])).await.json(200);
    ask(&stage, Method::POST, "/leave", &owner, json!({})).await.is_empty();
    assert_eq!(get(&stage, "", &owner).await.status, 404);
    assert_eq!(get(&stage, "/members", &admin).await.json(200)["total"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn whether_somebody_may_be_changed_is_decided_by_the_roles_that_they_hold_then() {
    let (stage, owner, _) = acme("member").await;
    let admin = stage.person(6).await;
    join(&stage, &owner, &admin, "admin").await;
    let promote = json!({"roles": ["owner"]});
    let demote = json!({"roles": ["viewer"]});
    // However the two meet, nobody who may not touch owners has taken one's ownership away.
    for _ in 0..20 {
        ask(&stage, Method::PATCH, "/members/4", &owner, json!({"roles": ["member"]})).await.json(200);
        let (promoted, demoted) = futures_util::join!(
            ask(&stage, Method::PATCH, "/members/4", &owner, promote.clone()),
            ask(&stage, Method::PATCH, "/members/4", &admin, demote.clone()),
        );
        assert_eq!(promoted.status, 200, "{}", promoted.text);
        let owners = get(&stage, "/members?role=owner", &owner).await.json(200)["total"].clone();
        assert_eq!(owners, 2, "the admin was answered {}: {}", demoted.status, demoted.text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_is_looked_at_by_anyone_and_accepted_once_by_each() {
    let (stage, owner, member) = acme("member").await;
    let made = ask(&stage, Method::POST, "/invitations", &owner, json!({"use_limit": 2})).await.json(201);
    let code = made["code"].as_str().unwrap();
    let address = format!("/api/invitations/{code}");
    let seen = stage.ask(Method::GET, &address, None, None).await.json(200);
    let expected = json!({"organization": "Acme", "role": "member", "is_bound": false,
        "expires_at": made["expires_at"], "over": null});
    assert_eq!(seen, expected);
    assert_eq!(accept(&stage, &member, code).await.detail(409), "you are a member of `acme` already");
    assert_eq!(
        stage.ask(Method::POST, &format!("{address}/accept"), None, Some(json!({}))).await.status,
        401
    );
    accept(&stage, &stage.person(6).await, code).await.json(200);
    let listed = get(&stage, "/invitations", &owner).await.json(200);
    assert_eq!((&listed[0]["uses"], &listed[0]["code"]), (&json!(1), &Json::Null));
    ask(&stage, Method::DELETE, &format!("/invitations/{}", made["id"]), &owner, Json::Null).await.is_empty();
    assert_eq!(stage.ask(Method::GET, &address, None, None).await.json(200)["over"], "revoked");
    let said = accept(&stage, &stage.person(8).await, code).await.detail(409);
    assert_eq!(said, "the invitation was revoked: ask for a new one");
    assert_eq!(stage.ask(Method::GET, "/api/invitations/0000", None, None).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_for_one_address_takes_that_address_confirmed() {
    let (stage, owner, _) = acme("member").await;
    for (account, status) in [(6, 200), (7, 403), (8, 403)] {
        let email = format!("{}@EXAMPLE.com", if account == 8 { 6 } else { account });
        let made = ask(&stage, Method::POST, "/invitations", &owner, json!({"email": email})).await.json(201);
        let answer = accept(&stage, &stage.person(account).await, made["code"].as_str().unwrap()).await;
        assert_eq!(answer.status, status, "{account}: {}", answer.text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn however_many_come_at_once_no_more_get_in_than_may() {
    let (stage, owner, _) = acme("member").await;
    let made = ask(&stage, Method::POST, "/invitations", &owner, json!({"use_limit": 3})).await.json(201);
    let code = made["code"].as_str().unwrap();
    let mut people = Vec::new();
    for account in 100..110 {
        people.push(stage.person(account).await);
    }
    let came = futures_util::future::join_all(people.iter().map(|person| accept(&stage, person, code))).await;
    assert_eq!(came.iter().filter(|answer| answer.status == 200).count(), 3);
    assert_eq!(came.iter().filter(|answer| answer.status == 409).count(), 7);
    assert_eq!(get(&stage, "/members", &owner).await.json(200)["total"], 5);
    assert_eq!(get(&stage, "/invitations", &owner).await.json(200)[0]["over"], "used_up");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organization_is_removed_by_who_repeats_its_name() {
    let (stage, owner, admin) = acme("admin").await;
    let remove = |slug: &str| json!({"slug": slug});
    assert_eq!(ask(&stage, Method::DELETE, "", &admin, remove("acme")).await.status, 403);
    assert_eq!(ask(&stage, Method::DELETE, "", &owner, remove("acne")).await.status, 422);
    ask(&stage, Method::DELETE, "", &owner, remove("acme")).await.is_empty();
    assert_eq!(get(&stage, "", &owner).await.status, 404);
    stage.post("/api/admin/organizations/acme/restore", json!({})).await.json(200);
    assert_eq!(get(&stage, "/members", &owner).await.json(200)["total"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_for_an_organization_owns_it_once_that_is_approved() {
    let stage = Stage::new().await;
    let (asker, address) = (stage.person(2).await, "/api/organization-requests");
    let new = |slug: &str| json!({"slug": slug, "name": "Acme", "reason": "Races on Sundays"});
    let made = stage.ask(Method::POST, address, Some(&asker), Some(new("acme"))).await.json(201);
    assert_eq!(made["state"], "open");
    assert_eq!(stage.ask(Method::POST, address, Some(&asker), Some(new("acme"))).await.status, 409);
    assert_eq!(stage.ask(Method::POST, address, Some(&asker), Some(new("default"))).await.status, 409);
    let other = stage.ask(Method::POST, address, Some(&asker), Some(new("other"))).await.json(201);
    let admin = "/api/admin/organization-requests";
    assert_eq!(stage.get(&format!("{admin}?state=open")).await.json(200).as_array().unwrap().len(), 2);
    stage.post(&format!("{admin}/{}/approve", made["id"]), json!({})).await.json(201);
    assert_eq!(stage.post(&format!("{admin}/{}/approve", made["id"]), json!({})).await.status, 409);
    let refusal = json!({"reason": "One is enough"});
    stage.post(&format!("{admin}/{}/refuse", other["id"]), refusal).await.json(200);
    let own = stage.ask(Method::GET, address, Some(&asker), None).await.json(200);
    assert_eq!((&own[0]["state"], &own[0]["answer"]), (&json!("refused"), &json!("One is enough")));
    assert_eq!(get(&stage, "/members?role=owner", &asker).await.json(200)["members"][0]["account"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_required_is_switched_on_together_and_what_requires_it_off_together() {
    let (stage, owner, member) = acme("member").await;
    assert_eq!(ask(&stage, Method::POST, "/plugins/greeter/disable", &member, json!({})).await.status, 403);
    ask(&stage, Method::POST, "/plugins/greeter/disable", &owner, json!({})).await.json(200);
    let said = ask(&stage, Method::POST, "/plugins/choir/enable", &owner, json!({})).await.detail(409);
    assert!(said.contains("requires `greeter`") && said.contains("with_requirements"), "{said}");
    stage.direction.called();
    let together = json!({"with_requirements": true});
    let choir = ask(&stage, Method::POST, "/plugins/choir/enable", &owner, together).await.json(200);
    assert_eq!((&choir["enabled"], &choir["missing"]), (&json!(true), &json!([])));
    let plugins = get(&stage, "/plugins", &member).await.json(200);
    let greeter = plugins.as_array().unwrap().iter().find(|plugin| plugin["id"] == "greeter").unwrap();
    assert_eq!((&greeter["enabled"], &greeter["required_by"]), (&json!(true), &json!(["choir"])));
    let said = ask(&stage, Method::POST, "/plugins/greeter/disable", &owner, json!({})).await.detail(409);
    assert!(said.contains("required by `choir`") && said.contains("with_dependents"), "{said}");
    let together = json!({"with_dependents": true});
    ask(&stage, Method::POST, "/plugins/greeter/disable", &owner, together).await.json(200);
    assert_eq!(stage.get("/api/org/acme/choir/sing").await.status, 404);
    stage.get("/api/org/default/greeter/hello").await.json(200);
}
