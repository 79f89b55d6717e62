//! The pages of docs/monitoring and the files of contrib: their commands run, their options exist.

use std::process::Command;

use crate::support::fleet::Servers;
use crate::support::installation::succeed;
use crate::support::pgprobe::{Client, program};
use crate::support::repository::repository;

fn page(name: &str) -> String {
    std::fs::read_to_string(repository(&format!("docs/monitoring/{name}.md"))).unwrap()
}

/// The demo's servers, with the root file that the pages name.
fn servers() -> Servers {
    let servers = Servers::start();
    let folder = servers.folder.path();
    std::fs::copy(folder.join("root.crt"), folder.join("corp-ca.crt")).unwrap();
    servers
}

/// Who runs the commands of the pages: db.example.com is one of the demo's servers.
fn user(servers: &Servers, server: &str) -> Client {
    let port = servers.named(server).address.port().to_string();
    let client = Client::new("").in_folder(servers.folder.path());
    client.env("PGHOSTADDR", "127.0.0.1").env("PGPORT", port)
}

#[test]
fn commands_of_the_pages_are_ok_on_a_good_server() {
    let servers = servers();
    let user = user(&servers, "good");
    for name in ["nagios", "icinga2", "cron", "kubernetes"] {
        let text = page(name);
        let blocks = text.split("```sh\n").skip(1);
        let lines: Vec<&str> = blocks
            .flat_map(|block| block.split("```").next().unwrap().lines())
            .collect();
        assert!(!lines.is_empty(), "{name}");
        for line in lines {
            // The name that the demo's certificate is for.
            let line = line.replace("db.example.com", "db.demo.test");
            let arguments: Vec<&str> = line.split(' ').skip(1).collect();
            assert_eq!(arguments[0], "check", "{name}: {line}");
            let run = crate::check::plugin(&user, &arguments);
            assert_eq!(run.status, Some(0), "{name}: {run:#?}");
        }
    }
}

#[test]
fn crontab_prints_only_what_is_wrong() {
    let servers = servers();
    let text = page("cron");
    let lines: Vec<&str> = text
        .lines()
        .filter_map(|line| line.split_once(" * * * * nobody "))
        .map(|(_, command)| command)
        .collect();
    assert_eq!(lines.len(), 2);
    for line in lines {
        let line = line.replace("/usr/local/bin/pgprobe", program().to_str().unwrap());
        for (server, prints) in [("good", false), ("expired", true)] {
            let mut shell = Command::new("sh");
            user(&servers, server).prepare(&mut shell);
            let output = shell.args(["-c", &line]).output().unwrap();
            let said = String::from_utf8(output.stdout).unwrap();
            assert_eq!(
                said.contains("PGPROBE CRITICAL: "),
                prints,
                "{line}: {said}"
            );
            assert_eq!(!said.is_empty(), prints, "{line}: {said}");
        }
    }
}

/// The long options that `pgprobe check --help` lists.
fn options() -> Vec<String> {
    let help = Client::new("").run(&["check", "--help"]).stdout;
    let lines = help.lines().map(str::trim_start);
    let mut options: Vec<String> = lines
        .filter(|line| line.starts_with('-'))
        .filter_map(|line| {
            let long = &line[line.find("--")?..];
            let end = long.find(|one: char| !one.is_ascii_lowercase() && one != '-');
            Some(long[..end.unwrap_or(long.len())].to_owned())
        })
        .collect();
    options.sort();
    options
}

#[test]
fn icingas_command_has_every_option() {
    let command = std::fs::read_to_string(repository("contrib/icinga2/pgprobe.conf")).unwrap();
    let short = [
        ("--hostname", "-H"),
        ("--url", "-u"),
        ("--port", "-p"),
        ("--logname", "-l"),
        ("--warning", "-w"),
        ("--critical", "-c"),
        ("--timeout", "-t"),
        ("--verbose", "-v"),
    ];
    let all = options();
    assert!(all.len() > 35, "{all:?}");
    for option in &all {
        if ["--help", "--version"].contains(&option.as_str()) {
            continue;
        }
        let written = short.iter().find(|(long, _)| long == option);
        let written = written.map_or(option.as_str(), |(_, short)| short);
        assert!(
            command.contains(&format!("\t\t\"{written}\" = ")),
            "{option}"
        );
        let variable = option.trim_start_matches('-').replace('-', "_");
        assert!(
            command.contains(&format!("\"$pgprobe_{variable}$\"")),
            "{option}"
        );
    }
    for line in command.lines().filter(|line| line.starts_with("\t\t\"--")) {
        let option = line.trim().split('"').nth(1).unwrap();
        assert!(all.iter().any(|known| known == option), "{option}");
    }
}

#[test]
fn options_that_the_pages_name_exist() {
    let mut all = options();
    all.push("--release".into());
    for name in [
        "nagios",
        "icinga2",
        "cron",
        "systemd",
        "kubernetes",
        "check_ssl_cert",
    ] {
        for code in page(name).split('`').skip(1).step_by(2) {
            for word in code
                .split_whitespace()
                .filter(|word| word.starts_with("--"))
            {
                let option = word.split('=').next().unwrap();
                assert!(all.iter().any(|known| known == option), "{name}: {option}");
            }
        }
    }
}

#[test]
fn the_example_for_kubernetes_is_made_of_options_that_exist() {
    // What the validator of the long tests cannot know.
    let manifest = std::fs::read_to_string(repository("contrib/kubernetes/cronjob.yaml")).unwrap();
    let all = options();
    let arguments = manifest
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- \"--"));
    let mut count = 0;
    for argument in arguments {
        let option = format!("--{}", argument.split('=').next().unwrap());
        assert!(all.contains(&option), "{option}");
        count += 1;
    }
    assert_eq!(count, 5);
}

#[test]
fn a_user_without_a_name_can_check_what_needs_none() {
    // As in a container: no passwd entry, no HOME.
    let servers = servers();
    let port = servers.named("good").address.port().to_string();
    let copy = tempfile::Builder::new()
        .prefix("pgprobe-it-")
        .tempdir_in("/tmp")
        .unwrap();
    let place = copy.path().join("pgprobe");
    std::fs::copy(program(), &place).unwrap();
    succeed(Command::new("chmod").args(["-R", "755"]).arg(copy.path()));
    let run = |more: &[&str]| {
        let mut nobody = Command::new("setpriv");
        nobody.args([
            "--reuid",
            "65532",
            "--regid",
            "65532",
            "--clear-groups",
            "env",
            "-i",
        ]);
        nobody
            .arg(&place)
            .args(["check", "-H", "127.0.0.1", "-p", &port])
            .args(more);
        let output = nobody.output().unwrap();
        (
            output.status.code(),
            String::from_utf8(output.stdout).unwrap(),
        )
    };
    let (status, said) = run(&[]);
    assert_eq!(status, Some(0), "{said}");
    let (status, said) = run(&["--require-scram"]);
    assert_eq!(status, Some(3), "{said}");
    let (status, said) = run(&["--require-mode", "require"]);
    assert_eq!(status, Some(3), "{said}");
    let (status, said) = run(&["--require-scram", "-l", "ann"]);
    assert_eq!(status, Some(0), "{said}");
}
