//! Lists: filters, order, pages that stay whole.

use serde_json::Value;

use crate::support::{FROM, PHONE, World};

fn bodies(list: &Value) -> Vec<&str> {
    list["messages"].as_array().unwrap().iter().map(|m| m["body"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn newest_first_filtered_by_both_ends() {
    let world = World::new().await;
    for (to, from, body) in
        [(PHONE, FROM, "1"), ("+14155550199", FROM, "2"), (PHONE, "+14155550001", "3"), (PHONE, FROM, "4")]
    {
        world.send(&[("To", to), ("From", from), ("Body", body)]).await;
    }
    for (query, expected) in [
        ("", vec!["4", "3", "2", "1"]),
        ("?To=%2B14155550123", vec!["4", "3", "1"]),
        ("?From=%2B15005550006", vec!["4", "2", "1"]),
        ("?To=%2B14155550123&From=%2B15005550006", vec!["4", "1"]),
        ("?To=%2B14155550123&From=%2B19995550006", vec![]),
    ] {
        let (status, list) = world.get(&format!("/Messages.json{query}")).await;
        assert_eq!((status, bodies(&list)), (200, expected), "{query}");
    }
}

#[tokio::test]
async fn dates_bound_a_list_by_day_and_by_instant() {
    let world = World::new().await;
    let (_, message) = world.text(PHONE, "now").await;
    world.sim.quiet().await;
    let at = chrono::DateTime::parse_from_rfc2822(message["date_created"].as_str().unwrap()).unwrap().to_utc();
    let day = at.format("%Y-%m-%d").to_string();
    let instant = |hours: i64| (at + chrono::TimeDelta::hours(hours)).format("%Y-%m-%dT%H:%M:%SZ").to_string();
    for (query, found) in [
        (format!("DateSent={day}"), 1),
        (format!("DateSent%3E={day}"), 1),
        (format!("DateSent%3C={day}"), 1),
        ("DateSent%3C=2020-01-01".to_owned(), 0),
        ("DateSent=2020-01-01".to_owned(), 0),
        ("DateSent%3E=2120-01-01".to_owned(), 0),
        (format!("DateSent%3E={}&DateSent%3C={}", instant(-1), instant(1)), 1),
        (format!("DateSent%3E={}", instant(1)), 0),
        (format!("To=%2B14155550123&DateSent%3E={}", instant(-1)), 1),
    ] {
        let (status, list) = world.get(&format!("/Messages.json?{query}")).await;
        assert_eq!((status, bodies(&list).len()), (200, found), "{query}");
    }
    assert_eq!(world.get("/Messages.json?DateSent=soon").await.0, 400);
}

#[tokio::test]
async fn following_the_links_shows_each_message_once_while_others_arrive() {
    let world = World::new().await;
    for n in 0..5 {
        world.text(PHONE, &n.to_string()).await;
    }
    let mut next = format!("/2010-04-01/Accounts/{}/Messages.json?PageSize=2", crate::support::ACCOUNT);
    let mut seen = Vec::new();
    for page in 0.. {
        let (_, list) = world.get_uri(&format!("{}{next}", world.sim.base_url)).await;
        assert_eq!((&list["page"], &list["page_size"]), (&page.into(), &2.into()));
        assert_eq!(list["start"], page * 2);
        assert_eq!(list["previous_page_uri"].is_null(), page == 0);
        seen.extend(bodies(&list).into_iter().map(str::to_owned));
        world.text(PHONE, "later").await;
        match list["next_page_uri"].as_str() {
            Some(uri) => next = uri.to_owned(),
            None => break,
        }
    }
    assert_eq!(seen, ["4", "3", "2", "1", "0"]);
}
