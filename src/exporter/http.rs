//! HTTP: one request a connection, every size and every wait bounded.

use std::cell::Cell;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{ACCEPT, ALLOW, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use percent_encoding::percent_decode_str;
use tokio::net::TcpListener;
use tokio::task::{AbortHandle, JoinSet, spawn_local};
use tokio::time::{Instant, sleep, timeout};

use super::allow::{Allow, Answer};
use super::config::{DEFAULT_MODULE, Module};
use super::metrics::Refusal;
use super::target::Target;
use super::{Backend, Exporter, Failure, Question};
use crate::render::openmetrics::{Exposition, Probe, render, succeeded};
use crate::render::{Style, escape, text};

/// The time for the head of a request to arrive.
const HEAD_TIME: Duration = Duration::from_secs(5);

/// The time for its answer to be taken.
const TRANSFER: Duration = Duration::from_secs(10);

/// The longest head of a request, and the most header lines in it.
const HEAD: usize = 16 * 1024;
const HEADERS: usize = 64;

/// The most of a body that is read before it is refused, and for how long.
const BODY: usize = 64 * 1024;
const BODY_TIME: Duration = Duration::from_secs(1);

/// How long requests that are being answered may go on once the exporter is to end.
const FAREWELL: Duration = Duration::from_secs(2);

/// Requests that may wait for a turn beside one for each probe.
const QUEUE: u16 = 32;

/// Connections beside those of probes: for `/metrics`, `/-/healthy`, and heads that are on their way.
const SPARE: usize = 64;

/// What a connection is at.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Phase {
    /// Its head is awaited, or its answer is being taken.
    Transfer,
    /// It waits for a probe; these are bounded by turns and queue.
    Probe,
}

/// The open connections, oldest first.
#[derive(Default)]
struct Connections(VecDeque<(AbortHandle, Rc<Cell<Phase>>)>);

impl Connections {
    fn add(&mut self, task: AbortHandle, phase: Rc<Cell<Phase>>) {
        self.0.push_back((task, phase));
    }

    /// Ends the one that has been sending or taking for longest: whoever is quick always finds room,
    /// however many there are that never end. `None`: there is none such.
    fn make_room(&mut self) -> Option<()> {
        self.0.retain(|(task, _)| !task.is_finished());
        let oldest = self
            .0
            .iter()
            .position(|(_, phase)| phase.get() == Phase::Transfer)?;
        let (task, _) = self.0.remove(oldest)?;
        task.abort();
        Some(())
    }

    /// Forgets those that have ended, once in a while.
    fn tidy(&mut self, room: usize) {
        if self.0.len() >= room {
            self.0.retain(|(task, _)| !task.is_finished());
        }
    }
}

/// Answers requests until `stop`.
pub async fn serve<B: Backend>(
    listener: TcpListener,
    exporter: Rc<Exporter<B>>,
    stop: impl Future<Output = ()>,
) {
    let room = 2 * usize::from(exporter.config.max_probes.0) + usize::from(QUEUE) + SPARE;
    let longest = exporter.config.longest_timeout() + HEAD_TIME + TRANSFER;
    let mut connections = JoinSet::new();
    let mut open = Connections::default();
    let mut stop = std::pin::pin!(stop);
    loop {
        let stream = tokio::select! {
            () = &mut stop => break,
            Some(_) = connections.join_next(), if !connections.is_empty() => continue,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(_) => {
                    // Out of file descriptors, say: others will be given back.
                    let _ = open.make_room();
                    sleep(Duration::from_millis(100)).await;
                    continue;
                }
            },
        };
        open.tidy(room);
        if connections.len() >= room {
            exporter.counters.refused(Refusal::Connections);
            if open.make_room().is_none() {
                continue;
            }
            let _ = connections.join_next().await;
        }
        let _ = stream.set_nodelay(true);
        let exporter = Rc::clone(&exporter);
        let phase = Rc::new(Cell::new(Phase::Transfer));
        let its = Rc::clone(&phase);
        let task = connections.spawn_local(async move {
            let service = service_fn(|request| {
                let (exporter, phase) = (Rc::clone(&exporter), Rc::clone(&its));
                async move {
                    if is_probe(&request) {
                        phase.set(Phase::Probe);
                    }
                    let answer = exporter.answer(request).await;
                    phase.set(Phase::Transfer);
                    Ok::<_, Infallible>(answer)
                }
            });
            let serving = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEAD_TIME)
                .max_buf_size(HEAD)
                .max_headers(HEADERS)
                .keep_alive(false)
                .serve_connection(TokioIo::new(stream), service);
            // Who sends nonsense, or leaves, is nobody's trouble but their own.
            let _ = timeout(longest, serving).await;
        });
        open.add(task, phase);
    }
    drop(listener);
    let all = async { while connections.join_next().await.is_some() {} };
    let _ = timeout(FAREWELL, all).await;
}

/// Whether a request is one that may take its time.
fn is_probe(request: &Request<Incoming>) -> bool {
    matches!(*request.method(), Method::GET | Method::HEAD) && request.uri().path() == "/probe"
}

type Reply = Response<Full<Bytes>>;

/// What a scrape asks for.
#[derive(Debug, Default, Eq, PartialEq)]
struct Query {
    target: Option<String>,
    module: Option<String>,
    debug: bool,
}

impl Query {
    /// Reads `target=...&module=...&debug=true`, each at most once.
    fn parse(text: &str) -> Result<Self, String> {
        let mut query = Self::default();
        let mut seen_debug = false;
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let value = value.replace('+', " ");
            let value = percent_decode_str(&value)
                .decode_utf8()
                .map_err(|_| "the query is not UTF-8".to_owned())?
                .into_owned();
            let twice = match name {
                "target" => query.target.replace(value).is_some(),
                "module" => query.module.replace(value).is_some(),
                "debug" => {
                    query.debug = match value.as_str() {
                        "true" | "1" => true,
                        "false" | "0" => false,
                        _ => return Err("debug is true or false".into()),
                    };
                    std::mem::replace(&mut seen_debug, true)
                }
                _ => {
                    return Err(format!(
                        "unknown parameter \"{name}\": there are target, module and debug"
                    ));
                }
            };
            if twice {
                return Err(format!("{name} is given twice"));
            }
        }
        Ok(query)
    }
}

impl<B: Backend> Exporter<B> {
    async fn answer(&self, request: Request<Incoming>) -> Reply {
        let (head, body) = request.into_parts();
        if !matches!(head.method, Method::GET | Method::HEAD) {
            self.counters.refused(Refusal::BadRequest);
            // A client that is cut off while it writes would not see the answer.
            let _ = timeout(BODY_TIME, Limited::new(body, BODY).collect()).await;
            let mut reply = plain(
                StatusCode::METHOD_NOT_ALLOWED,
                "only GET and HEAD are answered",
            );
            let headers = reply.headers_mut();
            headers.insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            return reply;
        }
        match head.uri.path() {
            "/probe" => {
                self.probe(head.uri.query().unwrap_or_default(), &head.headers)
                    .await
            }
            "/metrics" => {
                let exposition = negotiate(&head.headers);
                let limit = self.config.max_probes.0;
                let (waiting, process) = (self.waiting.get(), self.backend.process());
                let mut out = Vec::new();
                // Writing to memory does not fail.
                let _ = self
                    .counters
                    .write(waiting, limit, process, exposition, &mut out);
                reply(StatusCode::OK, exposition.content_type(), out)
            }
            "/-/healthy" => plain(StatusCode::OK, "healthy"),
            "/" => reply(StatusCode::OK, "text/html; charset=utf-8", self.index()),
            _ => {
                self.counters.refused(Refusal::BadRequest);
                plain(
                    StatusCode::NOT_FOUND,
                    "there are /probe?target=HOST[:PORT]&module=NAME, /metrics and /-/healthy",
                )
            }
        }
    }

    async fn probe(&self, query: &str, headers: &HeaderMap) -> Reply {
        let arrived = Instant::now();
        let read = match self.read(query, headers) {
            Ok(read) => read,
            Err(why) => {
                self.counters.refused(Refusal::BadRequest);
                return plain(StatusCode::BAD_REQUEST, &why);
            }
        };
        let fence = match self.fence(&read.target) {
            Ok(fence) => fence,
            Err(why) => return self.not_allowed(&why),
        };
        // Half of the time for a turn, half for the probe: an answer comes in any case.
        let queue = u32::from(self.config.max_probes.0) + u32::from(QUEUE);
        let turn = if self.waiting.get() < queue {
            let _waiting = Waiting::new(&self.waiting);
            let turn = Arc::clone(&self.turns).acquire_owned();
            timeout(read.timeout / 2, turn).await.ok()
        } else {
            None
        };
        let Some(turn) = turn else {
            self.counters.refused(Refusal::Busy);
            let why = "too many probes at the same time, and no turn came in time; see max_probes";
            let mut reply = plain(StatusCode::SERVICE_UNAVAILABLE, why);
            reply
                .headers_mut()
                .insert(RETRY_AFTER, HeaderValue::from_static("1"));
            return reply;
        };
        let left = read.timeout.saturating_sub(arrived.elapsed());
        let question = Question {
            name: read.name,
            module: read.module,
            target: read.target.clone(),
            timeout: left,
            fence,
        };
        // A probe goes on when its scraper leaves: the database is taken leave of in order.
        let (backend, counters) = (Rc::clone(&self.backend), Rc::clone(&self.counters));
        let probing = spawn_local(async move {
            let began = Instant::now();
            let _turn = turn;
            let _counted = counters.fly();
            let name = question.name.clone();
            let answer = backend.probe(question).await;
            if let Ok(report) = &answer {
                counters.probed(&name, succeeded(report));
            }
            (answer, began.elapsed())
        });
        let report = match probing.await {
            Ok((Ok(report), took)) => (report, took),
            Ok((Err(Failure::Outside(address)), _)) => {
                let host = &read.target.host;
                return self.not_allowed(&format!(
                    "{host} leads to {address}, which is not in the networks of the allow list"
                ));
            }
            Ok((Err(Failure::Unusable(why)), _)) => {
                return plain(StatusCode::INTERNAL_SERVER_ERROR, &why);
            }
            Err(_) => return plain(StatusCode::INTERNAL_SERVER_ERROR, "the probe broke off"),
        };
        let (report, took) = report;
        let mut out = Vec::new();
        if read.debug {
            let style = Style {
                verbosity: 2,
                ..Style::default()
            };
            let _ = text(&report, style, &mut out);
            return reply(StatusCode::OK, "text/plain; charset=utf-8", out);
        }
        let exposition = negotiate(headers);
        let probe = Probe {
            report: &report,
            target: None,
            seconds: Some(took.as_secs_f64()),
            timeout_seconds: Some(read.timeout.as_secs_f64()),
        };
        let _ = render(&[probe], exposition, &mut out);
        reply(StatusCode::OK, exposition.content_type(), out)
    }

    fn read(&self, query: &str, headers: &HeaderMap) -> Result<Scrape, String> {
        let query = Query::parse(query)?;
        let name = query.module.as_deref().unwrap_or(DEFAULT_MODULE);
        let Some(module) = self.modules.get(name) else {
            let names: Vec<_> = self.modules.keys().map(String::as_str).collect();
            return Err(match &query.module {
                Some(name) => format!("unknown module \"{name}\": there are {}", names.join(", ")),
                None => format!(
                    "no module is given and none is called {DEFAULT_MODULE}: there are {}",
                    names.join(", ")
                ),
            });
        };
        let target = query
            .target
            .ok_or("target is missing: /probe?target=HOST[:PORT]")?;
        let target = Target::parse(&target).map_err(|why| {
            format!("target \"{target}\": {why}; it is host, host:port or [v6]:port")
        })?;
        Ok(Scrape {
            name: name.to_owned(),
            module: Rc::clone(module),
            target,
            debug: query.debug,
            timeout: time_for(module, self.config.timeout_offset.0, headers)?,
        })
    }

    /// The networks to stay in; an error where the allow list forbids the target at once.
    fn fence(&self, target: &Target) -> Result<Option<Allow>, String> {
        let Some(allow) = &self.config.allow else {
            return Ok(None);
        };
        match allow.answer(target) {
            Answer::Yes => Ok(None),
            Answer::IfInNetworks => Ok(Some(allow.clone())),
            Answer::NotThisHost => Err(format!("{} is not in the allow list", target.host)),
            Answer::NotThisPort => Err(format!("port {} is not in the allow list", target.port)),
        }
    }

    fn not_allowed(&self, why: &str) -> Reply {
        self.counters.refused(Refusal::NotAllowed);
        plain(StatusCode::FORBIDDEN, why)
    }

    fn index(&self) -> String {
        // Names of modules are letters, digits and `_.-`: nothing to escape.
        let modules: String = self
            .modules
            .keys()
            .map(|name| {
                format!("<li><code>/probe?target=HOST:PORT&amp;module={name}</code></li>\n")
            })
            .collect();
        format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<title>pgprobe exporter</title>\n\
             <h1>pgprobe exporter</h1>\n<ul>\n{modules}\
             <li><a href=\"metrics\">/metrics</a></li>\n\
             <li><a href=\"-/healthy\">/-/healthy</a></li>\n</ul>\n\
             <p><code>debug=true</code> shows the report instead of the metrics.</p>\n"
        )
    }
}

/// A request that waits for its turn, also if its client leaves before.
struct Waiting<'a>(&'a Cell<u32>);

impl<'a> Waiting<'a> {
    fn new(count: &'a Cell<u32>) -> Self {
        count.set(count.get().saturating_add(1));
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get().saturating_sub(1));
    }
}

/// A request to `/probe` that makes sense.
struct Scrape {
    name: String,
    module: Rc<Module>,
    target: Target,
    debug: bool,
    timeout: Duration,
}

/// The module's time, or less if the scraper waits less long.
fn time_for(module: &Module, offset: Duration, headers: &HeaderMap) -> Result<Duration, String> {
    const HEADER: &str = "x-prometheus-scrape-timeout-seconds";
    let Some(value) = headers.get(HEADER) else {
        return Ok(module.timeout);
    };
    let seconds = value
        .to_str()
        .ok()
        .and_then(|text| text.trim().parse().ok());
    let scrape = seconds
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .filter(|scrape| !scrape.is_zero())
        .ok_or("X-Prometheus-Scrape-Timeout-Seconds is no number of seconds")?;
    // An offset as long as the timeout would leave nothing.
    Ok(module.timeout.min(scrape - offset.min(scrape / 2)))
}

/// OpenMetrics if it is preferred to plain text, else Prometheus's own format.
fn negotiate(headers: &HeaderMap) -> Exposition {
    let (mut open, mut plain) = (0.0_f32, 0.0_f32);
    let accepts = headers.get_all(ACCEPT).into_iter();
    for part in accepts
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
    {
        let mut parameters = part.split(';').map(str::trim);
        let media = parameters.next().unwrap_or_default().to_ascii_lowercase();
        let (mut quality, mut version) = (1.0, None);
        for parameter in parameters {
            match parameter.split_once('=') {
                Some((name, value)) if name.eq_ignore_ascii_case("q") => {
                    quality = value.parse().unwrap_or(0.0);
                }
                Some((name, value)) if name.eq_ignore_ascii_case("version") => {
                    version = Some(value.trim_matches('"'));
                }
                _ => {}
            }
        }
        match media.as_str() {
            "application/openmetrics-text" if matches!(version, None | Some("1.0.0")) => {
                open = open.max(quality);
            }
            "text/plain" | "text/*" => plain = plain.max(quality),
            _ => {}
        }
    }
    if open > 0.0 && open >= plain {
        Exposition::OpenMetrics
    } else {
        Exposition::Prometheus
    }
}

/// One line.
fn plain(status: StatusCode, line: &str) -> Reply {
    let line = format!("{}\n", escape::escape(line));
    reply(status, "text/plain; charset=utf-8", line)
}

fn reply(status: StatusCode, media: &'static str, body: impl Into<Bytes>) -> Reply {
    let mut reply = Response::new(Full::new(body.into()));
    *reply.status_mut() = status;
    let headers = reply.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media));
    headers.insert(
        "x-content-type-options",
        HeaderValue::from_static("nosniff"),
    );
    reply
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_has_each_parameter_once_and_no_other() {
        let query = Query::parse("target=%5B%3A%3A1%5D:5432&module=a&debug=true").unwrap();
        assert_eq!(query.target.as_deref(), Some("[::1]:5432"));
        assert_eq!(query.module.as_deref(), Some("a"));
        assert!(query.debug);
        for bad in [
            "target=a&target=b",
            "target=%ff",
            "tagret=a",
            "debug=2",
            "debug=0&debug=1",
            "module=a&module=a",
        ] {
            assert!(Query::parse(bad).is_err(), "{bad}");
        }
        assert_eq!(Query::parse(""), Ok(Query::default()));
    }

    #[test]
    fn the_format_is_what_the_scraper_prefers() {
        for (accept, open) in [
            ("", false),
            ("*/*", false),
            ("text/plain", false),
            ("application/openmetrics-text", true),
            (
                "application/openmetrics-text; version=1.0.0; charset=utf-8",
                true,
            ),
            ("application/openmetrics-text; version=0.0.1", false),
            (
                "application/openmetrics-text;version=1.0.0;q=0.3,text/plain;q=0.5",
                false,
            ),
            (
                "application/openmetrics-text;version=1.0.0,application/openmetrics-text;\
                 version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
                true,
            ),
            ("application/openmetrics-text;q=x", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT, HeaderValue::from_static(accept));
            assert_eq!(
                negotiate(&headers) == Exposition::OpenMetrics,
                open,
                "{accept}"
            );
        }
    }

    #[test]
    fn the_scrape_timeout_is_kept_less_the_offset() {
        let module = Module::default();
        let offset = Duration::from_millis(500);
        for (header, milliseconds) in [
            (None, Some(10_000)),
            (Some("5"), Some(4_500)),
            (Some("120"), Some(10_000)),
            (Some("0.5"), Some(250)),
            (Some("10.5"), Some(10_000)),
            (Some("0"), None),
            (Some("-1"), None),
            (Some("nan"), None),
            (Some("inf"), None),
            (Some("x"), None),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(header) = header {
                let name = "X-Prometheus-Scrape-Timeout-Seconds";
                headers.insert(
                    hyper::header::HeaderName::try_from(name).unwrap(),
                    HeaderValue::from_static(header),
                );
            }
            let time = time_for(&module, offset, &headers).ok();
            assert_eq!(time, milliseconds.map(Duration::from_millis), "{header:?}");
        }
    }
}
