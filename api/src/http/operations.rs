//! The table of all operations, made from the same declarations that make the document.
//!
//! It answers three questions that poem's router cannot: what a matched route is called in the document (for metrics,
//! logs and idempotency), which methods a path takes (a 405 must list them), and which query parameters an operation
//! knows (an unknown one is refused: a misspelt filter that is ignored returns everything).

use std::{collections::HashMap, sync::Arc};

use poem::{
    PathPattern, Request,
    http::{HeaderValue, Method},
};
use poem_openapi::{
    OpenApi,
    registry::{MetaOperation, MetaParamIn},
};

use super::{
    code::Code,
    problem::{FieldError, Problem},
};

/// All operations, by their route.
#[derive(Debug, Clone)]
pub struct Operations(Arc<HashMap<String, Route>>);

/// One path of the document.
#[derive(Debug)]
pub struct Route {
    /// As the document writes it: `/v1/templates/{id}`.
    pub template: String,
    /// The methods, for the `Allow` header.
    pub allow: HeaderValue,
    queries: HashMap<Method, Vec<String>>,
}

impl Operations {
    /// The operations of `T`.
    #[must_use]
    pub fn table<T: OpenApi>() -> Self {
        let paths = T::meta().into_iter().flat_map(|api| api.paths);
        let mut grouped: HashMap<String, Vec<MetaOperation>> = HashMap::new();
        for path in paths {
            grouped.entry(path.path).or_default().extend(path.operations);
        }
        let routes =
            grouped.into_iter().map(|(template, operations)| (pattern_of(&template), route(template, operations)));
        Self(Arc::new(routes.collect()))
    }

    /// The table that the server gave the request.
    ///
    /// # Panics
    /// If an endpoint is served without `server::endpoint`, which is a mistake in the program.
    #[must_use]
    pub fn of(request: &Request) -> &Self {
        request.data::<Self>().expect("server::endpoint gives every request the table")
    }

    /// The route with poem's `pattern`.
    #[must_use]
    pub fn route(&self, pattern: &PathPattern) -> Option<&Route> {
        self.0.get(&*pattern.0)
    }

    /// The request's operation as `METHOD /template`, after its query was checked.
    ///
    /// # Errors
    /// `invalid_request` for a query parameter that the operation does not have.
    pub fn check(&self, request: &Request) -> Result<String, Problem> {
        let pattern = request.data::<PathPattern>();
        let route = pattern.and_then(|pattern| self.route(pattern));
        let route = route.ok_or_else(|| Problem::internal(format!("{pattern:?} is not in the table of operations")))?;
        if request.uri().path_and_query().is_some_and(|text| text.as_str().contains("%00")) {
            return Err(Problem::new(Code::InvalidRequest, "The character U+0000 cannot be in a path or a parameter."));
        }
        let known = route.queries.get(request.method()).map_or(&[][..], Vec::as_slice);
        let given = request.params::<Vec<(String, String)>>().unwrap_or_default();
        let unknown = given.into_iter().filter(|(name, _)| !known.contains(name));
        let errors: Vec<_> = unknown
            .map(|(name, _)| {
                FieldError::new(format!("?{name}"), "unknown_parameter", format!("There is no parameter {name}."))
            })
            .collect();
        if errors.is_empty() {
            return Ok(format!("{} {}", request.method(), route.template));
        }
        Err(Problem::new(Code::InvalidRequest, "The request has a parameter that the operation does not have.")
            .with_errors(errors))
    }
}

fn route(template: String, operations: Vec<MetaOperation>) -> Route {
    let mut methods: Vec<_> = operations.iter().map(|operation| operation.method.to_string()).collect();
    methods.sort_unstable();
    let allow = HeaderValue::from_str(&methods.join(", ")).expect("methods are visible ASCII");
    let queries = operations.into_iter().map(|operation| {
        let queries = operation.params.into_iter().filter(|param| param.in_type == MetaParamIn::Query);
        (operation.method, queries.map(|param| param.name).collect())
    });
    Route { template, allow, queries: queries.collect() }
}

/// poem-openapi registers `/v1/things/{id}` as `/v1/things/:param0`.
fn pattern_of(template: &str) -> String {
    let mut count = 0;
    let segments = template.split('/').map(|segment| {
        if segment.starts_with('{') {
            count += 1;
            format!(":param{}", count - 1)
        } else {
            segment.to_owned()
        }
    });
    segments.collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_becomes_the_frameworks_pattern() {
        assert_eq!(pattern_of("/v1/things/{id}/parts/{part}"), "/v1/things/:param0/parts/:param1");
        assert_eq!(pattern_of("/v1/things"), "/v1/things");
    }
}
