//! The providers whose servers are told by the names of their CAs or hosts, and where each
//! publishes the roots. "Looks like": anybody can give a CA such a name; nothing is fetched.

use super::Situation;
use crate::pki::name::Name;

/// Where a provider's roots come from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Roots {
    /// A PEM file at this address.
    Bundle(&'static str),
    /// A public CA: the system's store has it.
    Public,
    /// A CA of the customer's own; how to get its certificate.
    Own(&'static str),
}

/// A row of the table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Provider {
    pub(super) name: &'static str,
    pub(super) roots: Roots,
    /// The provider's own switch to refuse plaintext, where pg_hba.conf is not the customer's.
    pub(super) forces_tls: Option<&'static str>,
    /// Where the provider writes about it.
    pub(super) documentation: &'static str,
    by: By,
}

/// How a provider is told.
#[derive(Clone, Copy, Debug)]
enum By {
    /// A common name of an issuer of the chain, by its beginning and its end.
    CommonName(&'static str, &'static str),
    /// The same, and the host's name ends in this.
    CommonNameAt(&'static str, &'static str, &'static str),
    /// The host's name ends in this, where the CA's name does not tell.
    Host(&'static str),
}

const PROVIDERS: [Provider; 17] = [
    // "Amazon RDS us-east-2 Root CA RSA2048 G1", "... ECC384 G1", formerly "Amazon RDS Root 2019
    // CA" and regional intermediates: the subjects of the published bundle. Aurora has the same.
    Provider {
        name: "Amazon RDS or Aurora",
        forces_tls: Some("rds.force_ssl = 1"),
        roots: Roots::Bundle("https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem"),
        documentation: "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.SSL.html",
        by: By::CommonName("Amazon RDS ", ""),
    },
    // RDS Proxy and Aurora Serverless v1 have certificates of ACM, whose roots are Amazon Trust
    // Services': the manual's "Using TLS/SSL with RDS Proxy".
    Provider {
        name: "Amazon RDS Proxy",
        forces_tls: None,
        roots: Roots::Public,
        documentation: "https://www.amazontrust.com/repository/",
        by: By::CommonNameAt("Amazon ", "", ".rds.amazonaws.com"),
    },
    // The manual of Azure Database for PostgreSQL, "TLS in Azure Database for PostgreSQL", wants
    // DigiCert Global Root G2 and the Microsoft RSA Root Certificate Authority 2017, both public.
    Provider {
        name: "Azure Database for PostgreSQL",
        forces_tls: Some("require_secure_transport = on"),
        roots: Roots::Bundle("https://cacerts.digicert.com/DigiCertGlobalRootG2.crt.pem"),
        documentation: "https://learn.microsoft.com/azure/postgresql/security/security-tls",
        by: By::CommonNameAt(
            "DigiCert Global Root G2",
            "",
            ".postgres.database.azure.com",
        ),
    },
    Provider {
        name: "Azure Database for PostgreSQL",
        forces_tls: Some("require_secure_transport = on"),
        roots: Roots::Public,
        documentation: "https://learn.microsoft.com/azure/postgresql/security/security-tls",
        by: By::CommonNameAt("Microsoft ", "", ".postgres.database.azure.com"),
    },
    // An instance's own CA is "C=US, O=Google, Inc, CN=Google Cloud SQL Server CA" with a
    // dnQualifier of the instance (the Admin API's `serverCaCert`).
    Provider {
        name: "Google Cloud SQL",
        forces_tls: Some("gcloud sql instances patch INSTANCE --ssl-mode=ENCRYPTED_ONLY"),
        roots: Roots::Own(
            "gcloud sql instances describe INSTANCE --format='value(serverCaCert.cert)'",
        ),
        documentation: "https://cloud.google.com/sql/docs/postgres/configure-ssl-instance",
        by: By::CommonName("Google Cloud SQL Server CA", ""),
    },
    // "Supabase Root 2021 CA" and "Supabase Intermediate 2021 CA"; the address is that of the
    // dashboard's own download.
    Provider {
        name: "Supabase",
        forces_tls: None,
        roots: Roots::Bundle(
            "https://supabase-downloads.s3-ap-southeast-1.amazonaws.com/prod/ssl/prod-ca-2021.crt",
        ),
        documentation: "https://supabase.com/docs/guides/platform/ssl-enforcement",
        by: By::CommonName("Supabase ", " CA"),
    },
    // The manual, "Connect to Neon securely": ISRG Root X1, a public root.
    Provider {
        name: "Neon",
        forces_tls: None,
        roots: Roots::Public,
        documentation: "https://neon.com/docs/connect/connect-securely",
        by: By::Host(".neon.tech"),
    },
    // Certificates that can be verified come only with Enhanced Certificates (ISRG roots); those
    // of the other plans are signed by no published CA.
    Provider {
        name: "Heroku Postgres (with enhanced certificates)",
        forces_tls: None,
        roots: Roots::Public,
        documentation: "https://devcenter.heroku.com/articles/heroku-postgres-enhanced-certificates",
        by: By::CommonNameAt("ISRG Root", "", ".compute-1.amazonaws.com"),
    },
    // Both name a CA "UUID Project CA", one for each project or cluster; the host tells which.
    Provider {
        name: "Aiven",
        forces_tls: None,
        roots: Roots::Own("avn project ca-get --target-filepath ca.pem"),
        documentation: "https://aiven.io/docs/platform/concepts/tls-ssl-certificates",
        by: By::CommonNameAt("", " Project CA", ".aivencloud.com"),
    },
    Provider {
        name: "DigitalOcean",
        forces_tls: None,
        roots: Roots::Own("doctl databases get-ca DATABASE_ID"),
        documentation: "https://docs.digitalocean.com/reference/pydo/reference/databases/get_ca/",
        by: By::CommonNameAt("", " Project CA", ".db.ondigitalocean.com"),
    },
    Provider {
        name: "Aiven or DigitalOcean",
        forces_tls: None,
        roots: Roots::Own(""),
        documentation: "https://aiven.io/docs/platform/concepts/tls-ssl-certificates",
        by: By::CommonName("", " Project CA"),
    },
    Provider {
        name: "Aiven",
        forces_tls: None,
        roots: Roots::Own("avn project ca-get --target-filepath ca.pem"),
        documentation: "https://aiven.io/docs/platform/concepts/tls-ssl-certificates",
        by: By::Host(".aivencloud.com"),
    },
    // A team's clusters have a CA of the team's.
    Provider {
        name: "Crunchy Bridge",
        forces_tls: None,
        roots: Roots::Own(""),
        documentation: "https://docs.crunchybridge.com/",
        by: By::Host(".db.postgresbridge.com"),
    },
    // The manual, "Connect with a stricter SSL mode": a self-signed certificate at first, one of a
    // public CA within half an hour.
    Provider {
        name: "Timescale (Tiger Cloud)",
        forces_tls: None,
        roots: Roots::Public,
        documentation: "https://www.tigerdata.com/docs/",
        by: By::Host(".tsdb.cloud.timescale.com"),
    },
    Provider {
        name: "Amazon RDS or Aurora",
        forces_tls: Some("rds.force_ssl = 1"),
        roots: Roots::Bundle("https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem"),
        documentation: "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.SSL.html",
        by: By::Host(".rds.amazonaws.com"),
    },
    Provider {
        name: "Supabase",
        forces_tls: None,
        roots: Roots::Bundle(
            "https://supabase-downloads.s3-ap-southeast-1.amazonaws.com/prod/ssl/prod-ca-2021.crt",
        ),
        documentation: "https://supabase.com/docs/guides/platform/ssl-enforcement",
        by: By::Host(".supabase.co"),
    },
    Provider {
        name: "DigitalOcean",
        forces_tls: None,
        roots: Roots::Own("doctl databases get-ca DATABASE_ID"),
        documentation: "https://docs.digitalocean.com/reference/pydo/reference/databases/get_ca/",
        by: By::Host(".db.ondigitalocean.com"),
    },
];

/// The provider that a server looks like, by the issuers of its chain and its host's name.
pub(super) fn of(situation: &Situation<'_>) -> Option<&'static Provider> {
    let issuers: Vec<&Name> = situation.chain.iter().map(|one| &one.issuer).collect();
    told_by(&issuers, situation.host_text())
}

fn told_by(issuers: &[&Name], host: &str) -> Option<&'static Provider> {
    let host = host.to_ascii_lowercase();
    let host = host.trim_end_matches('.');
    let is_issuer = |start: &str, end: &str| {
        let mut names = issuers.iter().flat_map(|name| name.common_names());
        names.any(|name| {
            let text = name.text().unwrap_or_default();
            text.len() > start.len() + end.len() && text.starts_with(start) && text.ends_with(end)
                || text == start
        })
    };
    PROVIDERS.iter().find(|provider| match provider.by {
        By::CommonName(start, end) => is_issuer(start, end),
        By::CommonNameAt(start, end, suffix) => host.ends_with(suffix) && is_issuer(start, end),
        By::Host(suffix) => host.ends_with(suffix),
    })
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType, KeyPair};

    use super::*;
    use crate::pki::Certificate;

    fn issuer(common_name: &str) -> Name {
        let mut parameters = CertificateParams::default();
        parameters
            .distinguished_name
            .push(DnType::CommonName, common_name);
        let key = KeyPair::generate().unwrap();
        Certificate::parse(parameters.self_signed(&key).unwrap().der())
            .issuer
            .clone()
    }

    #[test]
    fn issuers_and_hosts_tell_the_provider() {
        for (common_name, host, provider) in [
            (
                "Amazon RDS us-east-2 Root CA RSA2048 G1",
                "db",
                Some("Amazon RDS or Aurora"),
            ),
            (
                "Amazon RSA 2048 M02",
                "p.proxy-x.eu-west-1.rds.amazonaws.com",
                Some("Amazon RDS Proxy"),
            ),
            ("Amazon RSA 2048 M02", "db.example.com", None),
            (
                "Microsoft Azure RSA TLS Issuing CA 03",
                "x.postgres.database.azure.com",
                Some("Azure Database for PostgreSQL"),
            ),
            (
                "Google Cloud SQL Server CA",
                "10.1.2.3",
                Some("Google Cloud SQL"),
            ),
            (
                "Supabase Root 2021 CA",
                "db.x.supabase.co",
                Some("Supabase"),
            ),
            ("R11", "ep-x.eu-central-1.aws.neon.tech", Some("Neon")),
            (
                "73796a1a-f8d0-48bc Project CA",
                "x.b.db.ondigitalocean.com",
                Some("DigitalOcean"),
            ),
            (
                "73796a1a-f8d0-48bc Project CA",
                "X.AIVENCLOUD.COM.",
                Some("Aiven"),
            ),
            (
                "73796a1a-f8d0-48bc Project CA",
                "10.0.0.1",
                Some("Aiven or DigitalOcean"),
            ),
            (
                "anything",
                "p.x.db.postgresbridge.com",
                Some("Crunchy Bridge"),
            ),
            (
                "R10",
                "x.y.tsdb.cloud.timescale.com",
                Some("Timescale (Tiger Cloud)"),
            ),
            ("Corp Root", "db.corp.example", None),
            ("Project CA", "db.corp.example", None),
            ("Corp Root", "neon.tech.example.com", None),
        ] {
            let name = issuer(common_name);
            let found = told_by(&[&name], host).map(|provider| provider.name);
            assert_eq!(found, provider, "{common_name} at {host}");
        }
    }

    #[test]
    fn the_document_has_the_same_table() {
        let document = include_str!("../../docs/providers.md");
        let (_, table) = document
            .split_once("| provider | roots | |\n|---|---|---|\n")
            .unwrap();
        let (found, _) = table.split_once("\n\n").unwrap();
        let mut wanted: Vec<String> = Vec::new();
        for provider in &PROVIDERS {
            let roots = match provider.roots {
                Roots::Bundle(address) => format!("[a file]({address})"),
                Roots::Public => "public".to_owned(),
                Roots::Own("") => "your own".to_owned(),
                Roots::Own(command) => format!("your own: `{command}`"),
            };
            let (name, manual) = (provider.name, provider.documentation);
            let row = format!("| {name} | {roots} | [manual]({manual}) |");
            if !wanted.contains(&row) {
                wanted.push(row);
            }
        }
        assert_eq!(found, wanted.join("\n"), "the table of docs/providers.md");
    }

    #[test]
    fn every_address_is_https() {
        for provider in PROVIDERS {
            assert!(provider.documentation.starts_with("https://"));
            if let Roots::Bundle(address) = provider.roots {
                assert!(address.starts_with("https://"), "{address}");
            }
        }
    }
}
