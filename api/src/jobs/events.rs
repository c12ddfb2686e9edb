//! `GET /v1/jobs/{id}/events`.

use std::time::Duration;

use futures_util::{
    StreamExt,
    stream::{BoxStream, unfold},
};
use patchbay_db::{TypedId, ids::JobId};
use patchbay_domain::jobs::told::Asked;
use poem::web::sse::Event;
use poem_openapi::{
    ApiResponse, OpenApi,
    param::{Header, Path},
    payload::EventStream,
    types::ToJSON,
};

use super::{
    Read,
    dto::Job,
    get::shown,
    watch::{Admission, STREAMS_OF_A_KEY, Watch},
};
use crate::{
    app::App,
    http::{Call, Code, Handled, Id, Problem},
    tags::Tag,
};

/// A comment line goes out so often: it keeps proxies from closing the stream, and finds clients that have gone.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// The operation.
#[derive(Debug, Default)]
pub struct Events;

/// The answer.
#[derive(ApiResponse)]
pub enum JobEvents {
    /// The job as it is, and again after each change; the stream ends with the job.
    #[oai(status = 200)]
    Stream(EventStream<BoxStream<'static, Job>>),
    /// The job has ended, and `Last-Event-ID` says that the caller has seen it. A browser stops to reconnect.
    #[oai(status = 204)]
    Seen,
}

#[OpenApi]
impl Events {
    /// Follow a job
    ///
    /// Server-sent events. `data` is the job and `id` its revision; pass the last one as `Last-Event-ID` to go on where a
    /// broken stream ended (browsers do). States that follow each other faster than about 100 ms are sent as one. A key
    /// may have 20 streams open.
    #[oai(path = "/v1/jobs/:id/events", method = "get", operation_id = "jobs_events", tag = "Tag::Jobs")]
    async fn run(
        &self,
        call: Call<Read>,
        /// The job's id.
        id: Path<Id<JobId>>,
        /// The `id` of the last event that was seen.
        #[oai(name = "Last-Event-ID")]
        last_event_id: Header<Option<i64>>,
    ) -> Handled<JobEvents> {
        let watch = call.app.jobs.watch(call.tenant(), id.0.0).await?;
        let mut watch = watch.ok_or_else(|| Problem::not_found("job"))?;
        let now = watch.current();
        if now.is_over() && last_event_id.0.is_some_and(|seen| seen >= now.revision) {
            return Ok(JobEvents::Seen);
        }
        let place = call.app.jobs.admit(call.key.id.uuid()).ok_or_else(too_many)?;
        let feed =
            Feed { app: call.app.clone(), watch, seen: last_event_id.0, begun: false, over: false, _place: place };
        let stream = unfold(feed, |mut feed| async { Some((feed.next().await?, feed)) }).boxed();
        let stream = EventStream::new(stream).keep_alive(HEARTBEAT);
        Ok(JobEvents::Stream(
            stream.to_event(|job: Job| Event::message(job.to_json_string()).id(job.revision.to_string())),
        ))
    }
}

fn too_many() -> Problem {
    let detail = format!("The key has {STREAMS_OF_A_KEY} streams open. Close one, or follow fewer jobs at a time.");
    Problem::new(Code::TooManyStreams, detail).retry_after(Duration::from_secs(5))
}

/// What a stream still has to say.
struct Feed {
    app: App,
    watch: Watch,
    /// The last revision that the client has.
    seen: Option<i64>,
    begun: bool,
    over: bool,
    _place: Admission,
}

impl Feed {
    /// The next state; none at the end, or where it cannot be read now (the client comes back).
    async fn next(&mut self) -> Option<Job> {
        while !self.over {
            let job = if self.begun { self.watch.changed().await? } else { self.watch.current() };
            self.begun = true;
            if self.seen.is_some_and(|seen| seen >= job.revision) {
                continue;
            }
            self.seen = Some(job.revision);
            self.over = job.is_over();
            return shown(&self.app, Asked::Tenant, job.as_ref().clone()).await.ok();
        }
        None
    }
}
