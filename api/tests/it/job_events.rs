//! Following a job by server-sent events.

use std::time::Duration;

use futures_util::{Stream, StreamExt};
use patchbay_api::jobs::watch::STREAMS_OF_A_KEY;
use patchbay_db::ids::JobId;
use poem::{Request, Response, http::StatusCode};
use serde_json::Value;

use crate::harness::TestApi;

async fn follow(api: &TestApi, id: JobId, last: Option<&str>) -> Response {
    let mut request = Request::builder()
        .uri_str(format!("/v1/jobs/{id}/events"))
        .header("authorization", format!("Bearer {}", api.a.key));
    if let Some(last) = last {
        request = request.header("last-event-id", last);
    }
    api.open(request.finish()).await
}

/// The events of a stream as (id, job).
struct Events<S>(S);

impl<S: Stream<Item = Result<bytes::Bytes, std::io::Error>> + Unpin> Events<S> {
    async fn next(&mut self) -> Option<(String, Value)> {
        let text = tokio::time::timeout(Duration::from_secs(30), self.0.next()).await.unwrap()?.unwrap();
        let text = String::from_utf8(text.to_vec()).unwrap();
        let line =
            |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().trim().to_owned();
        Some((line("id:"), serde_json::from_str(&line("data:")).unwrap()))
    }
}

fn events(response: Response) -> Events<impl Stream<Item = Result<bytes::Bytes, std::io::Error>> + Unpin> {
    Events(Box::pin(response.into_body().into_bytes_stream()))
}

#[tokio::test]
async fn each_change_is_sent_until_the_job_is_over() {
    let api = TestApi::new().await;
    let id = api.accept(api.a.id).await;
    let response = follow(&api, id, None).await;
    assert_eq!(response.content_type(), Some("text/event-stream"));
    let mut events = events(response);
    let (first, job) = events.next().await.unwrap();
    assert_eq!((first.as_str(), &job["status"]), ("0", &"queued".into()));
    api.set(api.a.id, id, "progress_total = 10, progress_succeeded = 4").await;
    let (second, job) = events.next().await.unwrap();
    assert_eq!((second.as_str(), &job["progress"]["processed"]), ("1", &4.into()));
    api.set(api.a.id, id, "state = 'succeeded', finished_at = now()").await;
    let (third, job) = events.next().await.unwrap();
    assert_eq!((third.as_str(), &job["status"]), ("2", &"succeeded".into()));
    assert!(events.next().await.is_none(), "the stream ends with the job");
}

#[tokio::test]
async fn a_broken_stream_goes_on_where_it_ended() {
    let api = TestApi::new().await;
    let id = api.accept(api.a.id).await;
    let mut events = events(follow(&api, id, Some("0")).await);
    api.set(api.a.id, id, "state = 'cancelled', finished_at = now()").await;
    assert_eq!(events.next().await.unwrap().0, "1", "what was seen is not sent again");
    assert_eq!(follow(&api, id, Some("1")).await.status(), StatusCode::NO_CONTENT, "there is nothing to come back for");
    assert_eq!(follow(&api, id, Some("0")).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_key_has_so_many_streams_and_gets_them_back() {
    let api = TestApi::new().await;
    let id = api.accept(api.a.id).await;
    let mut open = Vec::new();
    for _ in 0..STREAMS_OF_A_KEY {
        open.push(follow(&api, id, None).await);
    }
    let refused = api.get(&format!("/v1/jobs/{id}/events"), &api.a.key).await;
    assert_eq!((refused.status, refused.code()), (StatusCode::TOO_MANY_REQUESTS, "too_many_streams"));
    assert_eq!(api.app.jobs.watched(), 1, "all of them watch one job");
    open.clear();
    assert_eq!(api.app.jobs.watched(), 0, "a client that has gone costs nothing");
    assert_eq!(follow(&api, id, None).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn another_tenants_job_cannot_be_followed() {
    let api = TestApi::new().await;
    let id = api.accept(api.b.id).await;
    assert_eq!(follow(&api, id, None).await.status(), StatusCode::NOT_FOUND);
    assert_eq!(api.app.jobs.watched(), 0);
}
