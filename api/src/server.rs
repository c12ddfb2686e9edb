//! Puts the routes behind the front door, and serves them until the process drains.

use std::{io, time::Duration};

use patchbay_service::{
    Shutdown,
    health::{self, Health},
};
use poem::{
    Endpoint, EndpointExt, IntoEndpoint, Response, Route, Server,
    endpoint::make_sync,
    listener::{Acceptor, Listener, TcpListener},
    web::Html,
};
use poem_openapi::OpenApiService;

use crate::{
    app::App,
    http::{Code, Problem, front::Front, operations::Operations},
    openapi,
    routes::Routes,
};

/// How often the last use of keys is written, and idle rate limits are forgotten.
const UPKEEP: Duration = Duration::from_secs(15);

/// Answers under way may take so long once draining has begun.
const LAST_ANSWERS: Duration = Duration::from_secs(20);

/// Everything that the API serves.
#[must_use]
pub fn endpoint(app: &App, health: &Health) -> impl Endpoint<Output = Response> + use<> {
    let server = app.config.api.public_url.as_str().trim_end_matches('/');
    let document = openapi::document(server).to_string();
    let route = Route::new()
        .at("/healthz", health::live(health))
        .at("/readyz", health::ready(health))
        .at("/metrics", health::metrics())
        .at("/docs", make_sync(docs(&document)))
        .at(
            "/openapi.json",
            make_sync(move |_| Response::builder().content_type("application/json").body(document.clone())),
        )
        .at("/problems/:code", make_sync(|request| page(request.raw_path_param("code").unwrap_or_default())))
        .nest_no_strip("/", openapi::service());
    Front::new(route.map_to_response(), app.clone(), Operations::table::<Routes>())
}

/// The page of a problem code, in Markdown.
fn page(code: &str) -> poem::Result<Response> {
    let code = Code::ALL.iter().find(|known| known.as_str() == code);
    let code = code.ok_or_else(|| Problem::not_found("problem"))?;
    Ok(Response::builder().content_type("text/markdown; charset=utf-8").body(code.page()))
}

/// The browser of the document: poem-openapi's bundled page, with our document in the place of an empty one.
fn docs(document: &str) -> impl Fn(poem::Request) -> Html<String> + Send + Sync + use<> {
    let empty = OpenApiService::new((), "Patchbay", "");
    let html = empty.swagger_ui_html().replacen(&empty.spec(), document, 1);
    move |_| Html(html.clone())
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
    let acceptor = TcpListener::bind(listen).into_acceptor().await;
    let acceptor =
        acceptor.map_err(|error| io::Error::new(error.kind(), format!("cannot listen on {listen}: {error}")))?;
    let address = acceptor.local_addr().first().and_then(|address| address.as_socket_addr().copied());
    bound(address.unwrap_or(listen));
    let endpoint = endpoint(&app, &health).into_endpoint();
    let upkeep = tokio::spawn(upkeep(app.clone()));
    let served = Server::new_with_acceptor(acceptor)
        .name("api")
        .run_with_graceful_shutdown(endpoint, shutdown.draining_token().cancelled_owned(), Some(LAST_ANSWERS))
        .await;
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
