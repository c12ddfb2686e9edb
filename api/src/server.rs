//! Puts the routes behind the front door, and serves them until the process drains.

use std::{io, time::Duration};

use bytes::Bytes;
use patchbay_service::{
    Shutdown,
    health::{self, Health},
};
use poem::{Endpoint, EndpointExt, Request, Response, Route, RouteMethod, endpoint::make_sync};
use poem_openapi::OpenApiService;
use tokio::net::TcpListener;

use crate::{
    app::App,
    connections::{self, Patience},
    http::{Code, Problem, front::Front, operations::Operations},
    openapi,
    routes::Routes,
};

/// How often the last use of keys is written, and idle rate limits are forgotten.
const UPKEEP: Duration = Duration::from_secs(15);

/// Everything that the API serves.
#[must_use]
pub fn endpoint(app: &App, health: &Health) -> impl Endpoint<Output = Response> + use<> {
    let server = app.config.api.public_url.as_str().trim_end_matches('/');
    let document = openapi::document(server).to_string();
    let route = Route::new()
        .at("/healthz", health::live(health))
        .at("/readyz", health::ready(health))
        .at("/metrics", health::metrics())
        .at("/docs", fixed("text/html; charset=utf-8", docs(&document)))
        .at("/openapi.json", fixed("application/json", document))
        .at("/problems/:code", RouteMethod::new().get(make_sync(page)))
        .nest_no_strip("/", openapi::service());
    Front::new(route.map_to_response(), app.clone(), Operations::table::<Routes>())
}

/// The same text for everybody who asks; not a copy of it for each.
fn fixed(content_type: &'static str, text: String) -> RouteMethod {
    let text = Bytes::from(text);
    RouteMethod::new().get(make_sync(move |_| Response::builder().content_type(content_type).body(text.clone())))
}

/// The page of a problem code, in Markdown.
fn page(request: Request) -> poem::Result<Response> {
    let code = request.raw_path_param("code").unwrap_or_default();
    let code = Code::ALL.iter().find(|known| known.as_str() == code);
    let code = code.ok_or_else(|| Problem::not_found("problem"))?;
    Ok(Response::builder().content_type("text/markdown; charset=utf-8").body(code.page()))
}

/// The browser of the document: poem-openapi's bundled page, with our document in the place of an empty one.
fn docs(document: &str) -> String {
    let empty = OpenApiService::new((), "Patchbay", "");
    empty.swagger_ui_html().replacen(&empty.spec(), document, 1)
}

/// Serves `app` on its configured address until `shutdown` drains; says where on `bound`.
///
/// # Errors
/// The address cannot be listened on, or the listener failed.
pub async fn serve(
    app: App,
    health: Health,
    shutdown: Shutdown,
    bound: impl FnOnce(std::net::SocketAddr),
) -> io::Result<()> {
    let listen = app.config.api.listen;
    let listener = TcpListener::bind(listen).await;
    let listener =
        listener.map_err(|error| io::Error::new(error.kind(), format!("cannot listen on {listen}: {error}")))?;
    bound(listener.local_addr()?);
    let endpoint = endpoint(&app, &health);
    let upkeep = tokio::spawn(upkeep(app.clone()));
    let served = connections::serve(listener, endpoint, shutdown.draining_token(), Patience::default()).await;
    upkeep.abort();
    write_uses(&app).await;
    served
}

async fn upkeep(app: App) {
    let mut ticks = tokio::time::interval(UPKEEP);
    loop {
        ticks.tick().await;
        app.limits.forget_idle();
        write_uses(&app).await;
    }
}

async fn write_uses(app: &App) {
    if let Err(error) = app.keys.write_uses().await {
        tracing::warn!(%error, "the last use of API keys was not written");
    }
}
