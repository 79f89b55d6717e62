//! What a line says: each of the forms in which lists of targets come, told apart line by line.

use std::net::IpAddr;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::block::Block;
use super::target::Place;
use crate::conninfo;
use crate::emulates::Libpq;

/// Something to be probed, not yet spelled out.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The hosts.
    pub hosts: Hosts,
    /// The address of a name that need not be resolved.
    pub hostaddr: Option<IpAddr>,
    /// The port, where the line names one.
    pub port: Option<u16>,
    /// The database, where the line names one.
    pub dbname: Option<String>,
    /// The user, where the line names one.
    pub user: Option<String>,
    /// Where it stood.
    pub place: Arc<Place>,
}

/// One host or many.
#[derive(Clone, Debug, PartialEq)]
pub enum Hosts {
    /// A name.
    Name(String),
    /// Addresses.
    Block(Block),
}

/// The ports that count where a line names many, as nmap's do.
#[derive(Clone, Copy, Debug)]
pub struct Ports<'a> {
    /// Those to probe where a line names none.
    pub list: &'a [u16],
    /// Whether the user chose them.
    pub chosen: bool,
}

/// Reads a line or an argument; nothing for an empty line, a comment, a host without open ports.
///
/// # Errors
/// What is wrong with it, in words.
pub fn read_line(text: &str, place: Place, ports: Ports<'_>) -> Result<Vec<Entry>, String> {
    // Some editors begin a file with a byte order mark.
    let text = text.trim_start_matches('\u{feff}').trim();
    if text.is_empty() || text.starts_with('#') {
        return Ok(Vec::new());
    }
    if text.starts_with('{') {
        return read_json(text, place, ports);
    }
    if let Some(rest) = text.strip_prefix("Host: ") {
        return read_nmap(rest, place, ports);
    }
    if !conninfo::is_connection_string(text) && text.contains([',', '"']) {
        return read_csv(text, place);
    }
    read_target(text, place)
}

/// A network, a range, a host, `host:port`, a URI, `key=value ...`.
fn read_target(text: &str, mut place: Place) -> Result<Vec<Entry>, String> {
    let of_blocks = |block: Result<Block, &str>, port, place: Place| {
        let block = block.map_err(|why| format!("\"{text}\": {why}"))?;
        Ok(vec![Entry {
            hosts: Hosts::Block(block),
            hostaddr: None,
            port,
            dbname: None,
            user: None,
            place: Arc::new(place),
        }])
    };
    // With a port: 192.0.2.0/24:5433, [2001:db8::/120]:5433.
    if let Some((hosts, digits)) = text.rsplit_once(':') {
        let bracketed = hosts
            .strip_prefix('[')
            .and_then(|hosts| hosts.strip_suffix(']'));
        let hosts = bracketed.or(Some(hosts).filter(|hosts| !hosts.contains(':')));
        if let Some(block) = hosts.and_then(Block::parse) {
            return of_blocks(block, Some(port(digits)?), place);
        }
    }
    if let Some(block) = Block::parse(text) {
        return of_blocks(block, None, place);
    }
    let settings = conninfo::parse(text, Libpq::V18).map_err(|error| error.message)?;
    let (mut hosts, mut addresses, mut all_ports) = (String::new(), String::new(), String::new());
    let (mut dbname, mut user) = (None, None);
    for (keyword, value) in settings {
        match keyword.as_str() {
            "host" => hosts = value,
            "hostaddr" => addresses = value,
            "port" => all_ports = value,
            "dbname" => dbname = Some(value).filter(|name| !name.is_empty()),
            "user" => user = Some(value).filter(|name| !name.is_empty()),
            _ => place.ignored.push(keyword),
        }
    }
    let place = Arc::new(place);
    let list = |text: &str| -> Vec<String> {
        match text {
            "" => Vec::new(),
            text => text.split(',').map(|item| item.trim().to_owned()).collect(),
        }
    };
    let (hosts, addresses, all_ports) = (list(&hosts), list(&addresses), list(&all_ports));
    let count = hosts.len().max(addresses.len());
    if count == 0 {
        return Err(format!("\"{}\" names no host", conninfo::redact(text)));
    }
    let fits = |length: usize| length <= 1 || length == count;
    if !fits(all_ports.len())
        || (!hosts.is_empty() && !addresses.is_empty() && hosts.len() != addresses.len())
    {
        return Err("its lists of hosts, addresses and ports differ in length".into());
    }
    (0..count)
        .map(|index| {
            let hostaddr = match addresses.get(index).map(String::as_str) {
                None | Some("") => None,
                Some(text) => Some(
                    text.parse::<IpAddr>()
                        .map_err(|_| format!("hostaddr \"{text}\" is no address"))?,
                ),
            };
            let of_list = all_ports.get(index).or(all_ports.first());
            let port = match of_list.map(String::as_str) {
                None | Some("") => None,
                Some(text) => Some(port(text)?),
            };
            let host = hosts.get(index).filter(|host| !host.is_empty());
            let (hosts, hostaddr) = host_of(host.map(String::as_str), hostaddr)?;
            Ok(Entry {
                hosts,
                hostaddr,
                port,
                dbname: dbname.clone(),
                user: user.clone(),
                place: Arc::clone(&place),
            })
        })
        .collect()
}

/// A host and its address: what is one address alone is a block.
fn host_of(
    host: Option<&str>,
    hostaddr: Option<IpAddr>,
) -> Result<(Hosts, Option<IpAddr>), String> {
    match (host, hostaddr) {
        (None, None) => Err("it names no host".into()),
        (None, Some(address)) => Ok((Hosts::Block(Block::of(address)), None)),
        (Some(host), _) if host.starts_with(['/', '@']) => {
            Err("it is a Unix socket, and a scan is of networks".into())
        }
        (Some(host), None) => Ok(match host.parse() {
            Ok(address) => (Hosts::Block(Block::of(address)), None),
            Err(_) => (Hosts::Name(name(host)?), None),
        }),
        (Some(host), Some(address)) if host.parse() == Ok(address) => {
            Ok((Hosts::Block(Block::of(address)), None))
        }
        (Some(host), address) => Ok((Hosts::Name(name(host)?), address)),
    }
}

/// A host name, as far as one can be asked for.
fn name(host: &str) -> Result<String, String> {
    let odd = |character: char| character.is_control() || character.is_whitespace();
    if host.len() > 1024 || host.contains(odd) || host.contains('/') {
        return Err(format!("\"{host}\" is no host name"));
    }
    Ok(host.to_owned())
}

fn port(text: &str) -> Result<u16, String> {
    text.parse()
        .ok()
        .filter(|port| *port > 0)
        .ok_or_else(|| format!("\"{text}\" is no port"))
}

/// zgrab2's CSV: address or network, domain, tag, port; what is missing at the end is empty.
fn read_csv(text: &str, place: Place) -> Result<Vec<Entry>, String> {
    let fields = csv_fields(text)?;
    let field = |index: usize| {
        let field = fields.get(index).map(|field| field.trim());
        field.filter(|field| !field.is_empty())
    };
    if fields.len() > 4 {
        return Err("a line of CSV is ip,domain,tag,port".into());
    }
    if place.line == Some(1) && field(0).is_some_and(|word| word.eq_ignore_ascii_case("ip")) {
        return Ok(Vec::new()); // a heading
    }
    let port = field(3).map(port).transpose()?;
    let place = Arc::new(Place {
        tag: field(2).map(str::to_owned),
        ..place
    });
    let entry = |hosts, hostaddr| Entry {
        hosts,
        hostaddr,
        port,
        dbname: None,
        user: None,
        place: Arc::clone(&place),
    };
    let block = match field(0).map(|text| (text, Block::parse(text))) {
        None => None,
        Some((_, Some(Ok(block)))) => Some(block),
        Some((text, Some(Err(why)))) => return Err(format!("\"{text}\": {why}")),
        Some((text, None)) => {
            return Err(format!(
                "\"{text}\" is no address; CSV is ip,domain,tag,port"
            ));
        }
    };
    match (block, field(1)) {
        (None, None) => Err("a line of CSV is ip,domain,tag,port".into()),
        (Some(block), None) => Ok(vec![entry(Hosts::Block(block), None)]),
        (None, Some(domain)) => {
            let (hosts, hostaddr) = host_of(Some(domain), None)?;
            Ok(vec![entry(hosts, hostaddr)])
        }
        (Some(block), Some(domain)) if block.count() == 1 => {
            let (hosts, hostaddr) = host_of(Some(domain), Some(block.first()))?;
            Ok(vec![entry(hosts, hostaddr)])
        }
        (Some(_), Some(_)) => Err("a network has no domain".into()),
    }
}

/// RFC 4180, a line of it.
fn csv_fields(text: &str) -> Result<Vec<String>, String> {
    let mut fields = vec![String::new()];
    let mut quoted = false;
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let Some(field) = fields.last_mut() else {
            break;
        };
        match character {
            '"' if quoted && characters.peek() == Some(&'"') => {
                characters.next();
                field.push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            other => field.push(other),
        }
    }
    if quoted {
        return Err("a quoted field does not end".into());
    }
    Ok(fields)
}

/// A host of `nmap -oG`, after `Host: `: `192.0.2.1 (name)⇥Ports: 5432/open/tcp//postgresql///, ...`.
fn read_nmap(rest: &str, place: Place, ports: Ports<'_>) -> Result<Vec<Entry>, String> {
    let mut parts = rest.split('\t');
    let mut head = parts.next().unwrap_or_default().split_whitespace();
    let address = head.next().unwrap_or_default();
    let address: IpAddr = address
        .parse()
        .map_err(|_| format!("nmap's \"{address}\" is no address"))?;
    let place = Arc::new(place);
    let Some(list) = parts.find_map(|part| part.strip_prefix("Ports: ")) else {
        return Ok(Vec::new());
    };
    let mut entries = Vec::new();
    for item in list.split(',') {
        let mut fields = item.trim().split('/');
        let (number, state, protocol) = (fields.next(), fields.next(), fields.next());
        let service = fields.nth(1).unwrap_or_default();
        if state != Some("open") || protocol != Some("tcp") {
            continue;
        }
        let number = port(number.unwrap_or_default())?;
        let postgres = service.contains("postgres") || service.contains("pgbouncer");
        let wanted = ports.list.contains(&number)
            || (!ports.chosen && (postgres || service.is_empty() || service == "unknown"));
        if wanted {
            entries.push(Entry {
                hosts: Hosts::Block(Block::of(address)),
                hostaddr: None,
                port: Some(number),
                dbname: None,
                user: None,
                place: Arc::clone(&place),
            });
        }
    }
    Ok(entries)
}

/// An object: `target`, or `host`/`domain` and `ip`/`hostaddr`, `port`, `dbname`, `user`; or the
/// record of an earlier scan. The whole of it is passed through.
fn read_json(text: &str, mut place: Place, ports: Ports<'_>) -> Result<Vec<Entry>, String> {
    let object: Map<String, Value> =
        serde_json::from_str(text).map_err(|error| format!("no JSON object: {error}"))?;
    let word = |names: &[&str]| -> Result<Option<String>, String> {
        for name in names {
            match object.get(*name) {
                None | Some(Value::Null) => {}
                Some(Value::String(text)) if text.is_empty() => {}
                Some(Value::String(text)) => return Ok(Some(text.clone())),
                Some(Value::Number(number)) => return Ok(Some(number.to_string())),
                Some(_) => return Err(format!("\"{name}\" is neither a string nor a number")),
            }
        }
        Ok(None)
    };
    if let Some(Value::Object(scan)) = object.get("scan")
        && let Some(Value::String(target)) = scan.get("target")
    {
        // A record of ours: what was passed through then is passed through again.
        place.tag = scan.get("tag").and_then(Value::as_str).map(str::to_owned);
        place.fields = scan.get("fields").and_then(Value::as_object).cloned();
        return read_target(target, place);
    }
    let explicit = word(&["port"])?.map(|text| port(&text)).transpose()?;
    let (dbname, user) = (word(&["dbname", "database"])?, word(&["user"])?);
    let target = word(&["target"])?;
    let host = word(&["host", "domain", "hostname"])?;
    let address = word(&["hostaddr", "ip", "address"])?;
    place.fields = Some(object);
    let mut entries = match (target, host, address) {
        (Some(target), None, None) => read_line_of_json(&target, place, ports)?,
        (None, None, None) => return Err("the object has no target, host or ip".into()),
        (None, Some(host), None) => read_line_of_json(&host, place, ports)?,
        (None, host, Some(address)) => {
            let block = Block::parse(&address)
                .ok_or_else(|| format!("\"{address}\" is no address"))?
                .map_err(|why| format!("\"{address}\": {why}"))?;
            let (hosts, hostaddr) = match host {
                Some(host) if block.count() == 1 => host_of(Some(&host), Some(block.first()))?,
                Some(_) => return Err("a network has no host name".into()),
                None => (Hosts::Block(block), None),
            };
            vec![Entry {
                hosts,
                hostaddr,
                port: None,
                dbname: None,
                user: None,
                place: Arc::new(place),
            }]
        }
        (Some(_), ..) => return Err("the object has both a target and a host".into()),
    };
    for entry in &mut entries {
        entry.port = explicit.or(entry.port);
        entry.dbname = dbname.clone().or(entry.dbname.take());
        entry.user = user.clone().or(entry.user.take());
    }
    Ok(entries)
}

/// The text of `target` or `host`: as a line, but not JSON again.
fn read_line_of_json(text: &str, place: Place, ports: Ports<'_>) -> Result<Vec<Entry>, String> {
    if text.starts_with('{') {
        return Err("a target is no JSON object".into());
    }
    let entries = read_line(text, place, ports)?;
    if entries.is_empty() {
        return Err(format!("\"{text}\" is no target"));
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PORTS: Ports<'_> = Ports {
        list: &[5432],
        chosen: false,
    };

    /// The entries of a line in short: hosts, then what it names.
    fn read(text: &str) -> Result<String, String> {
        let place = Place {
            line: Some(2),
            ..Place::default()
        };
        let entries = read_line(text, place, PORTS)?;
        let words = entries.into_iter().map(|entry| {
            let mut word = match entry.hosts {
                Hosts::Name(name) => name,
                Hosts::Block(block) if block.count() == 1 => block.first().to_string(),
                Hosts::Block(block) => format!("{}..{}", block.first(), block.last()),
            };
            if let Some(address) = entry.hostaddr {
                word += &format!("={address}");
            }
            if let Some(port) = entry.port {
                word += &format!(" :{port}");
            }
            for (sign, value) in [
                ('/', entry.dbname),
                ('@', entry.user),
                ('#', entry.place.tag.clone()),
            ] {
                if let Some(value) = value {
                    word += &format!(" {sign}{value}");
                }
            }
            for ignored in &entry.place.ignored {
                word += &format!(" -{ignored}");
            }
            if let Some(fields) = &entry.place.fields {
                word += &format!(" +{}", fields.len());
            }
            word
        });
        Ok(words.collect::<Vec<_>>().join("; "))
    }

    #[test]
    fn each_form_of_a_line_is_understood() {
        for (line, meaning) in [
            ("", ""),
            ("  # a comment", ""),
            ("db.example.com", "db.example.com"),
            (" db.example.com:5433\r", "db.example.com :5433"),
            ("192.0.2.1", "192.0.2.1"),
            ("192.0.2.1:5433", "192.0.2.1 :5433"),
            ("[2001:db8::1]:5433", "2001:db8::1 :5433"),
            ("2001:db8::1", "2001:db8::1"),
            ("192.0.2.0/30", "192.0.2.0..192.0.2.3"),
            ("192.0.2.0/30:5433", "192.0.2.0..192.0.2.3 :5433"),
            ("[2001:db8::/126]:5433", "2001:db8::..2001:db8::3 :5433"),
            ("192.0.2.1-5", "192.0.2.1..192.0.2.5"),
            ("db-1.example.com", "db-1.example.com"),
            (
                "postgresql://ann:secret@db:5433/app?sslmode=require",
                "db :5433 /app @ann -password -sslmode",
            ),
            (
                "host=db hostaddr=192.0.2.1 sslrootcert=/etc/x",
                "db=192.0.2.1 -sslrootcert",
            ),
            ("host=a,b port=1,2", "a :1; b :2"),
            ("host=192.0.2.1 hostaddr=192.0.2.1", "192.0.2.1"),
            ("hostaddr=192.0.2.1", "192.0.2.1"),
            // zgrab2
            (
                "192.0.2.1,db.example.com,prod,5433",
                "db.example.com=192.0.2.1 :5433 #prod",
            ),
            (",db.example.com", "db.example.com"),
            ("192.0.2.0/30,,office", "192.0.2.0..192.0.2.3 #office"),
            ("192.0.2.1,,\"a, \"\"b\"\"\",", "192.0.2.1 #a, \"b\""),
            // nmap -oG
            ("Host: 192.0.2.1 (db)\tStatus: Up", ""),
            (
                "Host: 192.0.2.1 (db)\tPorts: 22/open/tcp//ssh///, 5432/open/tcp//postgresql///, \
                 5433/closed/tcp//pyrrho///, 5434/open/tcp//ssl|postgresql//PostgreSQL DB 9.6/\tIgnored State: x",
                "192.0.2.1 :5432; 192.0.2.1 :5434",
            ),
            // JSON
            (r#"{"host":"db","port":5433,"owner":"ann"}"#, "db :5433 +3"),
            (
                r#"{"ip":"192.0.2.1","host":"db.example.com","port":"5433"}"#,
                "db.example.com=192.0.2.1 :5433 +3",
            ),
            (
                r#"{"target":"192.0.2.0/31","user":"ann","dbname":"app"}"#,
                "192.0.2.0..192.0.2.1 /app @ann +3",
            ),
            (
                r#"{"schema":1,"target":{"input":"x"},"scan":{"target":"db:5433","tag":"prod","fields":{"a":1}}}"#,
                "db :5433 #prod +1",
            ),
        ] {
            assert_eq!(read(line).as_deref(), Ok(meaning), "{line}");
        }
    }

    #[test]
    fn a_bad_line_says_what_is_wrong() {
        for (line, why) in [
            (
                "192.0.2.0/40",
                "\"192.0.2.0/40\": the number of bits after / is too big or no number",
            ),
            ("db:99999", "\"99999\" is no port"),
            ("db:0", "\"0\" is no port"),
            ("db:x", "\"x\" is no port"),
            (
                "/var/run/postgresql",
                "it is a Unix socket, and a scan is of networks",
            ),
            ("host=", "\"host=\" names no host"),
            (
                "db, other",
                "\"db\" is no address; CSV is ip,domain,tag,port",
            ),
            ("192.0.2.1,a,b,1,2", "a line of CSV is ip,domain,tag,port"),
            (",,", "a line of CSV is ip,domain,tag,port"),
            ("192.0.2.1,\"db", "a quoted field does not end"),
            ("{\"port\":1}", "the object has no target, host or ip"),
            ("{\"host\":[]}", "\"host\" is neither a string nor a number"),
            ("{\"host\":\"#\"}", "\"#\" is no target"),
            (
                "host=a,b port=1,2,3",
                "its lists of hosts, addresses and ports differ in length",
            ),
            ("nonsense=1", "invalid connection option \"nonsense\""),
        ] {
            assert_eq!(read(line).unwrap_err(), why, "{line}");
        }
        assert!(
            read("{\"host\":")
                .unwrap_err()
                .starts_with("no JSON object: ")
        );
        // No password is quoted.
        let why = read("postgresql://ann:hunter2@db:5433:1/app").unwrap_err();
        assert!(!why.contains("hunter2"), "{why}");
    }
}
