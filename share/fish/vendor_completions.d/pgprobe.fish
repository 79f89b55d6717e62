# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_pgprobe_global_optspecs
    string join \n depth= all-addresses compare-sni timeout= enumerate max-connections-per-second= expect-cert= save-observation= save-chain= textfile= libpq= openssl= at= format= q/quiet v/verbose color= fail-on= baseline= write-baseline= profile= host= hostaddr= p/port= d/dbname= U/user= sslmode= sslrootcert= sslcrl= sslcrldir= sslcert= sslkey= sslpassword= sslcertmode= sslnegotiation= sslsni= ssl-min-protocol-version= ssl-max-protocol-version= channel-binding= require-auth= gssencmode= connect-timeout= service= h/help V/version
end

function __fish_pgprobe_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_pgprobe_global_optspecs) -- $cmd 2>/dev/null
    or argparse -s (__fish_pgprobe_global_optspecs) -- $cmd value 2>/dev/null
    or return
    if contains -- "$argv[1]" assess check ciphers demo explain exporter scan diff report help
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_pgprobe_using_subcommand
    set -l cmd (__fish_pgprobe_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c pgprobe -n "__fish_pgprobe_needs_command" -l depth -d 'How much to ask: `handshake` (1 connection), `startup` (2 or 3), `full` (up to 6)' -r -f -a "handshake\t'One connection: SSLRequest, the TLS handshake, an orderly close'
startup\t'Also what pg_hba.conf does over TLS and in plaintext'
full\t'Also GSSENCRequest and direct TLS'"
complete -c pgprobe -n "__fish_pgprobe_needs_command" -l timeout -d 'The time for everything, in seconds [default: 10]' -r
complete -c pgprobe -n "__fish_pgprobe_needs_command" -l max-connections-per-second -d 'Open at most so many connections a second to enumerate [default: as many as are answered]' -r
complete -c pgprobe -n "__fish_pgprobe_needs_command" -l expect-cert -d 'Compare the served certificate with that of FILE, as on the server\'s disk' -r
complete -c pgprobe -n "__fish_pgprobe_needs_command" -l save-observation -d 'Write what was seen to FILE, for `pgprobe assess` (no password or key is in it)' -r
complete -c pgprobe -n "__fish_pgprobe_needs_command" -l save-chain -d 'Write the server\'s certificates to FILE, in PEM' -r
complete -c pgprobe -n "__fish_pgprobe_needs_command" -l textfile -d 'Write the metrics to FILE for node_exporter\'s textfile collector, whole or not at all' -r
complete -c pgprobe -n "__fish_pgprobe_needs_command" -l libpq -d 'The libpq to emulate [default: 18; of `assess`: the one probed for]' -r -f -a "15\t''
16\t''
17\t''
18\t''"
complete -c pgprobe -n "__fish_pgprobe_needs_command" -l openssl -d 'The TLS library under it [default: 3-level2; of `assess`: the one probed for]' -r -f -a "3-level2\t'OpenSSL 3 at security level 2 (Debian, Ubuntu, upstream since 3.2)'
3-level1\t'OpenSSL 3 at security level 1 (upstream 3.0 and 3.1)'
1.1.1\t'OpenSSL 1.1.1 at its default level 1'"
complete -c pgprobe -n "__fish_pgprobe_needs_command" -l at -d 'Judge validity at this time (RFC 3339, or seconds since 1970) instead of now' -r
complete -c pgprobe -n "__fish_pgprobe_needs_command" -l format -d 'How to show it; `json` is an object a line, described in docs/json.md, `openmetrics` are the metrics of docs/monitoring/prometheus.md' -r -f -a "text\t'For people'
json\t'An object a line'
openmetrics\t'Metrics'
sarif\t'Findings as SARIF 2.1.0'
findings-csv\t'Findings as CSV, a line each'"
complete -c pgprobe -n "__fish_pgprobe_needs_command" -l color -d 'When to use colours; NO_COLOR is kept' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c pgprobe -n "__fish_pgprobe_needs_command" -l fail-on -d 'Exit with 1 where there is a finding of this severity or worse, of this name, or a failed rule of this profile' -r
complete -c pgprobe -n "__fish_pgprobe_needs_command" -l baseline -d 'The findings that are known, with reason and last day: see `pgprobe help findings`' -r
complete -c pgprobe -n "__fish_pgprobe_needs_command" -l write-baseline -d 'Write the findings above info to FILE, for --baseline' -r
complete -c pgprobe -n "__fish_pgprobe_needs_command" -l profile -d 'Hold the server against a profile: mozilla-modern, nist-sp-800-52r2, cis-postgresql-17, ..., or a file of your own; several times for several' -r
complete -c pgprobe -n "__fish_pgprobe_needs_command" -l host -d 'Server name, address or socket directory' -r
complete -c pgprobe -n "__fish_pgprobe_needs_command" -l hostaddr -d 'Address to connect to; the name is still that of `host`' -r
complete -c pgprobe -n "__fish_pgprobe_needs_command" -s p -l port -d 'Port' -r
complete -c pgprobe -n "__fish_pgprobe_needs_command" -s d -l dbname -d 'Database, for pg_hba.conf' -r
complete -c pgprobe -n "__fish_pgprobe_needs_command" -s U -l user -d 'User, for pg_hba.conf' -r
complete -c pgprobe -n "__fish_pgprobe_needs_command" -l sslmode -d 'The sslmode that must work: it decides the exit status' -r -f -a "disable\t''
allow\t''
prefer\t''
require\t''
verify-ca\t''
verify-full\t''"
complete -c pgprobe -n "__fish_pgprobe_needs_command" -l sslrootcert -d 'File of trusted root certificates; `system`; or `mozilla` for the bundled ones' -r
complete -c pgprobe -n "__fish_pgprobe_needs_command" -l sslcrl -d 'File of revocation lists' -r
complete -c pgprobe -n "__fish_pgprobe_needs_command" -l sslcrldir -d 'Directory of revocation lists' -r
complete -c pgprobe -n "__fish_pgprobe_needs_command" -l sslcert -d 'Client certificate' -r
complete -c pgprobe -n "__fish_pgprobe_needs_command" -l sslkey -d 'Its private key' -r
complete -c pgprobe -n "__fish_pgprobe_needs_command" -l sslpassword -d 'The key\'s password; better in the target, a service file or not at all' -r
complete -c pgprobe -n "__fish_pgprobe_needs_command" -l sslcertmode -d 'disable, allow or require (libpq 16)' -r -f -a "disable\t''
allow\t''
require\t''"
complete -c pgprobe -n "__fish_pgprobe_needs_command" -l sslnegotiation -d 'postgres or direct (libpq 17)' -r -f -a "postgres\t''
direct\t''"
complete -c pgprobe -n "__fish_pgprobe_needs_command" -l sslsni -d '1 to send the server name, 0 not to' -r -f -a "0\t''
1\t''"
complete -c pgprobe -n "__fish_pgprobe_needs_command" -l ssl-min-protocol-version -d 'Lowest TLS version: TLSv1, TLSv1.1, TLSv1.2, TLSv1.3' -r -f -a "TLSv1\t''
TLSv1.1\t''
TLSv1.2\t''
TLSv1.3\t''"
complete -c pgprobe -n "__fish_pgprobe_needs_command" -l ssl-max-protocol-version -d 'Highest TLS version: TLSv1, TLSv1.1, TLSv1.2, TLSv1.3' -r -f -a "TLSv1\t''
TLSv1.1\t''
TLSv1.2\t''
TLSv1.3\t''"
complete -c pgprobe -n "__fish_pgprobe_needs_command" -l channel-binding -d 'disable, prefer or require' -r -f -a "disable\t''
prefer\t''
require\t''"
complete -c pgprobe -n "__fish_pgprobe_needs_command" -l require-auth -d 'Acceptable authentication methods (libpq 16)' -r
complete -c pgprobe -n "__fish_pgprobe_needs_command" -l gssencmode -d 'disable, prefer or require' -r -f -a "disable\t''
prefer\t''
require\t''"
complete -c pgprobe -n "__fish_pgprobe_needs_command" -l connect-timeout -d 'libpq\'s own time limit for an address, in seconds' -r
complete -c pgprobe -n "__fish_pgprobe_needs_command" -l service -d 'Section of the service file' -r
complete -c pgprobe -n "__fish_pgprobe_needs_command" -l all-addresses -d 'Probe every address of a name, not only the first that accepts TCP'
complete -c pgprobe -n "__fish_pgprobe_needs_command" -l compare-sni -d 'Do the handshake also without server name (SNI): one connection more'
complete -c pgprobe -n "__fish_pgprobe_needs_command" -l enumerate -d 'Also find every TLS version, suite and group'
complete -c pgprobe -n "__fish_pgprobe_needs_command" -s q -l quiet -d 'One line for each target'
complete -c pgprobe -n "__fish_pgprobe_needs_command" -s v -l verbose -d 'Show more: details of the certificates and times; twice: what libpq would try, in order, and the bytes of the answers'
complete -c pgprobe -n "__fish_pgprobe_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pgprobe -n "__fish_pgprobe_needs_command" -s V -l version -d 'Print version'
complete -c pgprobe -n "__fish_pgprobe_needs_command" -a "assess" -d 'Judge a saved observation again, with other options or at another time'
complete -c pgprobe -n "__fish_pgprobe_needs_command" -a "check" -d 'Check servers as a Nagios or Icinga plugin: exit status 0, 1, 2, 3'
complete -c pgprobe -n "__fish_pgprobe_needs_command" -a "ciphers" -d 'Find every TLS version, suite and group that a server takes'
complete -c pgprobe -n "__fish_pgprobe_needs_command" -a "demo" -d 'Start a small fleet of servers inside this process and probe them: a tour without a server'
complete -c pgprobe -n "__fish_pgprobe_needs_command" -a "explain" -d 'Explain a finding: why it matters, where that is written, what mends it'
complete -c pgprobe -n "__fish_pgprobe_needs_command" -a "exporter" -d 'Answer Prometheus: probe the target that a scrape names, and give metrics'
complete -c pgprobe -n "__fish_pgprobe_needs_command" -a "scan" -d 'Probe lists and networks, a record for each target'
complete -c pgprobe -n "__fish_pgprobe_needs_command" -a "diff" -d 'Say what changed between two scans: new, gone, renewed, weaker, expired'
complete -c pgprobe -n "__fish_pgprobe_needs_command" -a "report" -d 'Make one HTML page of the records of scans, to be opened without a network'
complete -c pgprobe -n "__fish_pgprobe_needs_command" -a "help" -d 'Explain a topic or a command'
complete -c pgprobe -n "__fish_pgprobe_using_subcommand assess" -l libpq -d 'The libpq to emulate [default: 18; of `assess`: the one probed for]' -r -f -a "15\t''
16\t''
17\t''
18\t''"
complete -c pgprobe -n "__fish_pgprobe_using_subcommand assess" -l openssl -d 'The TLS library under it [default: 3-level2; of `assess`: the one probed for]' -r -f -a "3-level2\t'OpenSSL 3 at security level 2 (Debian, Ubuntu, upstream since 3.2)'
3-level1\t'OpenSSL 3 at security level 1 (upstream 3.0 and 3.1)'
1.1.1\t'OpenSSL 1.1.1 at its default level 1'"
complete -c pgprobe -n "__fish_pgprobe_using_subcommand assess" -l at -d 'Judge validity at this time (RFC 3339, or seconds since 1970) instead of now' -r
complete -c pgprobe -n "__fish_pgprobe_using_subcommand assess" -l format -d 'How to show it; `json` is an object a line, described in docs/json.md, `openmetrics` are the metrics of docs/monitoring/prometheus.md' -r -f -a "text\t'For people'
json\t'An object a line'
openmetrics\t'Metrics'
sarif\t'Findings as SARIF 2.1.0'
findings-csv\t'Findings as CSV, a line each'"
complete -c pgprobe -n "__fish_pgprobe_using_subcommand assess" -l color -d 'When to use colours; NO_COLOR is kept' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c pgprobe -n "__fish_pgprobe_using_subcommand assess" -l fail-on -d 'Exit with 1 where there is a finding of this severity or worse, of this name, or a failed rule of this profile' -r
complete -c pgprobe -n "__fish_pgprobe_using_subcommand assess" -l baseline -d 'The findings that are known, with reason and last day: see `pgprobe help findings`' -r
complete -c pgprobe -n "__fish_pgprobe_using_subcommand assess" -l write-baseline -d 'Write the findings above info to FILE, for --baseline' -r
complete -c pgprobe -n "__fish_pgprobe_using_subcommand assess" -l profile -d 'Hold the server against a profile: mozilla-modern, nist-sp-800-52r2, cis-postgresql-17, ..., or a file of your own; several times for several' -r
complete -c pgprobe -n "__fish_pgprobe_using_subcommand assess" -l host -d 'Server name, address or socket directory' -r
complete -c pgprobe -n "__fish_pgprobe_using_subcommand assess" -l hostaddr -d 'Address to connect to; the name is still that of `host`' -r
complete -c pgprobe -n "__fish_pgprobe_using_subcommand assess" -s p -l port -d 'Port' -r
complete -c pgprobe -n "__fish_pgprobe_using_subcommand assess" -s d -l dbname -d 'Database, for pg_hba.conf' -r
complete -c pgprobe -n "__fish_pgprobe_using_subcommand assess" -s U -l user -d 'User, for pg_hba.conf' -r
complete -c pgprobe -n "__fish_pgprobe_using_subcommand assess" -l sslmode -d 'The sslmode that must work: it decides the exit status' -r -f -a "disable\t''
allow\t''
prefer\t''
require\t''
verify-ca\t''
verify-full\t''"
complete -c pgprobe -n "__fish_pgprobe_using_subcommand assess" -l sslrootcert -d 'File of trusted root certificates; `system`; or `mozilla` for the bundled ones' -r
complete -c pgprobe -n "__fish_pgprobe_using_subcommand assess" -l sslcrl -d 'File of revocation lists' -r
complete -c pgprobe -n "__fish_pgprobe_using_subcommand assess" -l sslcrldir -d 'Directory of revocation lists' -r
complete -c pgprobe -n "__fish_pgprobe_using_subcommand assess" -l sslcert -d 'Client certificate' -r
complete -c pgprobe -n "__fish_pgprobe_using_subcommand assess" -l sslkey -d 'Its private key' -r
complete -c pgprobe -n "__fish_pgprobe_using_subcommand assess" -l sslpassword -d 'The key\'s password; better in the target, a service file or not at all' -r
complete -c pgprobe -n "__fish_pgprobe_using_subcommand assess" -l sslcertmode -d 'disable, allow or require (libpq 16)' -r -f -a "disable\t''
allow\t''
require\t''"
complete -c pgprobe -n "__fish_pgprobe_using_subcommand assess" -l sslnegotiation -d 'postgres or direct (libpq 17)' -r -f -a "postgres\t''
direct\t''"
complete -c pgprobe -n "__fish_pgprobe_using_subcommand assess" -l sslsni -d '1 to send the server name, 0 not to' -r -f -a "0\t''
1\t''"
complete -c pgprobe -n "__fish_pgprobe_using_subcommand assess" -l ssl-min-protocol-version -d 'Lowest TLS version: TLSv1, TLSv1.1, TLSv1.2, TLSv1.3' -r -f -a "TLSv1\t''
TLSv1.1\t''
TLSv1.2\t''
TLSv1.3\t''"
complete -c pgprobe -n "__fish_pgprobe_using_subcommand assess" -l ssl-max-protocol-version -d 'Highest TLS version: TLSv1, TLSv1.1, TLSv1.2, TLSv1.3' -r -f -a "TLSv1\t''
TLSv1.1\t''
TLSv1.2\t''
TLSv1.3\t''"
complete -c pgprobe -n "__fish_pgprobe_using_subcommand assess" -l channel-binding -d 'disable, prefer or require' -r -f -a "disable\t''
prefer\t''
require\t''"
complete -c pgprobe -n "__fish_pgprobe_using_subcommand assess" -l require-auth -d 'Acceptable authentication methods (libpq 16)' -r
complete -c pgprobe -n "__fish_pgprobe_using_subcommand assess" -l gssencmode -d 'disable, prefer or require' -r -f -a "disable\t''
prefer\t''
require\t''"
complete -c pgprobe -n "__fish_pgprobe_using_subcommand assess" -l connect-timeout -d 'libpq\'s own time limit for an address, in seconds' -r
complete -c pgprobe -n "__fish_pgprobe_using_subcommand assess" -l service -d 'Section of the service file' -r
complete -c pgprobe -n "__fish_pgprobe_using_subcommand assess" -s q -l quiet -d 'One line for each target'
complete -c pgprobe -n "__fish_pgprobe_using_subcommand assess" -s v -l verbose -d 'Show more: details of the certificates and times; twice: what libpq would try, in order, and the bytes of the answers'
complete -c pgprobe -n "__fish_pgprobe_using_subcommand assess" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pgprobe -n "__fish_pgprobe_using_subcommand check" -s H -l hostname -d 'Server: host, host:port, `[v6]:port` or a socket directory; may be repeated' -r
complete -c pgprobe -n "__fish_pgprobe_using_subcommand check" -s u -l url -d 'Target as a URI, postgresql://user@host/dbname; may be repeated' -r
complete -c pgprobe -n "__fish_pgprobe_using_subcommand check" -s l -l logname -d 'User, for pg_hba.conf' -r
complete -c pgprobe -n "__fish_pgprobe_using_subcommand check" -s w -l warning -d 'Warn unless the time left is in this range: days `30:` or `30`, percent of the lifetime `25%`, `[@]start:end` [default: 30:, of lifetimes below 90 days 25%]' -r
complete -c pgprobe -n "__fish_pgprobe_using_subcommand check" -s c -l critical -d 'The same for CRITICAL [default: 14:, of lifetimes below 90 days 10%]' -r
complete -c pgprobe -n "__fish_pgprobe_using_subcommand check" -s t -l timeout -d 'The time for the whole run, in seconds' -r
complete -c pgprobe -n "__fish_pgprobe_using_subcommand check" -l min-tls -d 'Lowest TLS version that may be negotiated: 1.2 or 1.3. One connection sees one version: whether the server would take an older one, too, is not asked' -r
complete -c pgprobe -n "__fish_pgprobe_using_subcommand check" -l issuer -d 'Issuer of the certificate: its CN, its O, or its whole name as -v shows it; may be repeated, and one must fit' -r
complete -c pgprobe -n "__fish_pgprobe_using_subcommand check" -l fingerprint -d 'SHA-256 of the certificate; may be repeated, and one must fit' -r
complete -c pgprobe -n "__fish_pgprobe_using_subcommand check" -l spki -d 'SHA-256 of its SubjectPublicKeyInfo, hexadecimal or base64; may be repeated' -r
complete -c pgprobe -n "__fish_pgprobe_using_subcommand check" -l max-validity -d 'Longest lifetime that the certificate may have been issued for' -r
complete -c pgprobe -n "__fish_pgprobe_using_subcommand check" -l expect-cert -d 'The certificate in FILE (PEM or DER) must be the one served: shows a renewal after which nobody reloaded the server' -r
complete -c pgprobe -n "__fish_pgprobe_using_subcommand check" -l require-mode -d 'libpq must get in with this sslmode, as far as a password that it would have to know (2 connections; UNKNOWN if undetermined)' -r
complete -c pgprobe -n "__fish_pgprobe_using_subcommand check" -l libpq -d 'The libpq to emulate [default: 18]' -r -f -a "15\t''
16\t''
17\t''
18\t''"
complete -c pgprobe -n "__fish_pgprobe_using_subcommand check" -l openssl -d 'The TLS library under it [default: 3-level2]' -r -f -a "3-level2\t'OpenSSL 3 at security level 2 (Debian, Ubuntu, upstream since 3.2)'
3-level1\t'OpenSSL 3 at security level 1 (upstream 3.0 and 3.1)'
1.1.1\t'OpenSSL 1.1.1 at its default level 1'"
complete -c pgprobe -n "__fish_pgprobe_using_subcommand check" -l at -d 'Judge validity at this time (RFC 3339, or seconds since 1970) instead of now: what the check will say then' -r
complete -c pgprobe -n "__fish_pgprobe_using_subcommand check" -l host -d 'Server name, address or socket directory' -r
complete -c pgprobe -n "__fish_pgprobe_using_subcommand check" -l hostaddr -d 'Address to connect to; the name is still that of `host`' -r
complete -c pgprobe -n "__fish_pgprobe_using_subcommand check" -s p -l port -d 'Port' -r
complete -c pgprobe -n "__fish_pgprobe_using_subcommand check" -s d -l dbname -d 'Database, for pg_hba.conf' -r
complete -c pgprobe -n "__fish_pgprobe_using_subcommand check" -s U -l user -d 'User, for pg_hba.conf' -r
complete -c pgprobe -n "__fish_pgprobe_using_subcommand check" -l sslmode -d 'The sslmode that must work: it decides the exit status' -r -f -a "disable\t''
allow\t''
prefer\t''
require\t''
verify-ca\t''
verify-full\t''"
complete -c pgprobe -n "__fish_pgprobe_using_subcommand check" -l sslrootcert -d 'File of trusted root certificates; `system`; or `mozilla` for the bundled ones' -r
complete -c pgprobe -n "__fish_pgprobe_using_subcommand check" -l sslcrl -d 'File of revocation lists' -r
complete -c pgprobe -n "__fish_pgprobe_using_subcommand check" -l sslcrldir -d 'Directory of revocation lists' -r
complete -c pgprobe -n "__fish_pgprobe_using_subcommand check" -l sslcert -d 'Client certificate' -r
complete -c pgprobe -n "__fish_pgprobe_using_subcommand check" -l sslkey -d 'Its private key' -r
complete -c pgprobe -n "__fish_pgprobe_using_subcommand check" -l sslpassword -d 'The key\'s password; better in the target, a service file or not at all' -r
complete -c pgprobe -n "__fish_pgprobe_using_subcommand check" -l sslcertmode -d 'disable, allow or require (libpq 16)' -r -f -a "disable\t''
allow\t''
require\t''"
complete -c pgprobe -n "__fish_pgprobe_using_subcommand check" -l sslnegotiation -d 'postgres or direct (libpq 17)' -r -f -a "postgres\t''
direct\t''"
complete -c pgprobe -n "__fish_pgprobe_using_subcommand check" -l sslsni -d '1 to send the server name, 0 not to' -r -f -a "0\t''
1\t''"
complete -c pgprobe -n "__fish_pgprobe_using_subcommand check" -l ssl-min-protocol-version -d 'Lowest TLS version: TLSv1, TLSv1.1, TLSv1.2, TLSv1.3' -r -f -a "TLSv1\t''
TLSv1.1\t''
TLSv1.2\t''
TLSv1.3\t''"
complete -c pgprobe -n "__fish_pgprobe_using_subcommand check" -l ssl-max-protocol-version -d 'Highest TLS version: TLSv1, TLSv1.1, TLSv1.2, TLSv1.3' -r -f -a "TLSv1\t''
TLSv1.1\t''
TLSv1.2\t''
TLSv1.3\t''"
complete -c pgprobe -n "__fish_pgprobe_using_subcommand check" -l channel-binding -d 'disable, prefer or require' -r -f -a "disable\t''
prefer\t''
require\t''"
complete -c pgprobe -n "__fish_pgprobe_using_subcommand check" -l require-auth -d 'Acceptable authentication methods (libpq 16)' -r
complete -c pgprobe -n "__fish_pgprobe_using_subcommand check" -l gssencmode -d 'disable, prefer or require' -r -f -a "disable\t''
prefer\t''
require\t''"
complete -c pgprobe -n "__fish_pgprobe_using_subcommand check" -l connect-timeout -d 'libpq\'s own time limit for an address, in seconds' -r
complete -c pgprobe -n "__fish_pgprobe_using_subcommand check" -l service -d 'Section of the service file' -r
complete -c pgprobe -n "__fish_pgprobe_using_subcommand check" -s v -l verbose -d 'Show more: the certificates, twice also addresses and times, three times the sslmodes'
complete -c pgprobe -n "__fish_pgprobe_using_subcommand check" -l allow-self-signed -d 'Take a certificate that signed itself, where the chain is judged'
complete -c pgprobe -n "__fish_pgprobe_using_subcommand check" -l require-tls-only -d 'Plaintext must be refused (2 connections, one FATAL line where it is)'
complete -c pgprobe -n "__fish_pgprobe_using_subcommand check" -l require-client-cert -d 'Nobody may get in without a client certificate, over TLS or in plaintext (2 connections, 3 with --sslcert; one FATAL line for each that is refused)'
complete -c pgprobe -n "__fish_pgprobe_using_subcommand check" -l require-scram -d 'The server must ask for SCRAM and nothing less, in plaintext, too, unless it refuses that (2 connections)'
complete -c pgprobe -n "__fish_pgprobe_using_subcommand check" -l require-channel-binding -d 'The server must offer SCRAM-SHA-256-PLUS, with a certificate that libpq can bind it to (2 connections)'
complete -c pgprobe -n "__fish_pgprobe_using_subcommand check" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pgprobe -n "__fish_pgprobe_using_subcommand check" -s V -l version -d 'Print version'
complete -c pgprobe -n "__fish_pgprobe_using_subcommand ciphers" -l timeout -d 'The time for everything, in seconds [default: 10 for the first handshake, then 60]' -r
complete -c pgprobe -n "__fish_pgprobe_using_subcommand ciphers" -l max-connections-per-second -d 'Open at most so many connections a second after the first handshake [default: as many as are answered]' -r
complete -c pgprobe -n "__fish_pgprobe_using_subcommand ciphers" -l save-observation -d 'Write what was seen to FILE, for `pgprobe assess` (no password or key is in it)' -r
complete -c pgprobe -n "__fish_pgprobe_using_subcommand ciphers" -l libpq -d 'The libpq to emulate [default: 18; of `assess`: the one probed for]' -r -f -a "15\t''
16\t''
17\t''
18\t''"
complete -c pgprobe -n "__fish_pgprobe_using_subcommand ciphers" -l openssl -d 'The TLS library under it [default: 3-level2; of `assess`: the one probed for]' -r -f -a "3-level2\t'OpenSSL 3 at security level 2 (Debian, Ubuntu, upstream since 3.2)'
3-level1\t'OpenSSL 3 at security level 1 (upstream 3.0 and 3.1)'
1.1.1\t'OpenSSL 1.1.1 at its default level 1'"
complete -c pgprobe -n "__fish_pgprobe_using_subcommand ciphers" -l at -d 'Judge validity at this time (RFC 3339, or seconds since 1970) instead of now' -r
complete -c pgprobe -n "__fish_pgprobe_using_subcommand ciphers" -l format -d 'How to show it; `json` is an object a line, described in docs/json.md, `openmetrics` are the metrics of docs/monitoring/prometheus.md' -r -f -a "text\t'For people'
json\t'An object a line'
openmetrics\t'Metrics'
sarif\t'Findings as SARIF 2.1.0'
findings-csv\t'Findings as CSV, a line each'"
complete -c pgprobe -n "__fish_pgprobe_using_subcommand ciphers" -l color -d 'When to use colours; NO_COLOR is kept' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c pgprobe -n "__fish_pgprobe_using_subcommand ciphers" -l fail-on -d 'Exit with 1 where there is a finding of this severity or worse, of this name, or a failed rule of this profile' -r
complete -c pgprobe -n "__fish_pgprobe_using_subcommand ciphers" -l baseline -d 'The findings that are known, with reason and last day: see `pgprobe help findings`' -r
complete -c pgprobe -n "__fish_pgprobe_using_subcommand ciphers" -l write-baseline -d 'Write the findings above info to FILE, for --baseline' -r
complete -c pgprobe -n "__fish_pgprobe_using_subcommand ciphers" -l profile -d 'Hold the server against a profile: mozilla-modern, nist-sp-800-52r2, cis-postgresql-17, ..., or a file of your own; several times for several' -r
complete -c pgprobe -n "__fish_pgprobe_using_subcommand ciphers" -l host -d 'Server name, address or socket directory' -r
complete -c pgprobe -n "__fish_pgprobe_using_subcommand ciphers" -l hostaddr -d 'Address to connect to; the name is still that of `host`' -r
complete -c pgprobe -n "__fish_pgprobe_using_subcommand ciphers" -s p -l port -d 'Port' -r
complete -c pgprobe -n "__fish_pgprobe_using_subcommand ciphers" -s d -l dbname -d 'Database, for pg_hba.conf' -r
complete -c pgprobe -n "__fish_pgprobe_using_subcommand ciphers" -s U -l user -d 'User, for pg_hba.conf' -r
complete -c pgprobe -n "__fish_pgprobe_using_subcommand ciphers" -l sslmode -d 'The sslmode that must work: it decides the exit status' -r -f -a "disable\t''
allow\t''
prefer\t''
require\t''
verify-ca\t''
verify-full\t''"
complete -c pgprobe -n "__fish_pgprobe_using_subcommand ciphers" -l sslrootcert -d 'File of trusted root certificates; `system`; or `mozilla` for the bundled ones' -r
complete -c pgprobe -n "__fish_pgprobe_using_subcommand ciphers" -l sslcrl -d 'File of revocation lists' -r
complete -c pgprobe -n "__fish_pgprobe_using_subcommand ciphers" -l sslcrldir -d 'Directory of revocation lists' -r
complete -c pgprobe -n "__fish_pgprobe_using_subcommand ciphers" -l sslcert -d 'Client certificate' -r
complete -c pgprobe -n "__fish_pgprobe_using_subcommand ciphers" -l sslkey -d 'Its private key' -r
complete -c pgprobe -n "__fish_pgprobe_using_subcommand ciphers" -l sslpassword -d 'The key\'s password; better in the target, a service file or not at all' -r
complete -c pgprobe -n "__fish_pgprobe_using_subcommand ciphers" -l sslcertmode -d 'disable, allow or require (libpq 16)' -r -f -a "disable\t''
allow\t''
require\t''"
complete -c pgprobe -n "__fish_pgprobe_using_subcommand ciphers" -l sslnegotiation -d 'postgres or direct (libpq 17)' -r -f -a "postgres\t''
direct\t''"
complete -c pgprobe -n "__fish_pgprobe_using_subcommand ciphers" -l sslsni -d '1 to send the server name, 0 not to' -r -f -a "0\t''
1\t''"
complete -c pgprobe -n "__fish_pgprobe_using_subcommand ciphers" -l ssl-min-protocol-version -d 'Lowest TLS version: TLSv1, TLSv1.1, TLSv1.2, TLSv1.3' -r -f -a "TLSv1\t''
TLSv1.1\t''
TLSv1.2\t''
TLSv1.3\t''"
complete -c pgprobe -n "__fish_pgprobe_using_subcommand ciphers" -l ssl-max-protocol-version -d 'Highest TLS version: TLSv1, TLSv1.1, TLSv1.2, TLSv1.3' -r -f -a "TLSv1\t''
TLSv1.1\t''
TLSv1.2\t''
TLSv1.3\t''"
complete -c pgprobe -n "__fish_pgprobe_using_subcommand ciphers" -l channel-binding -d 'disable, prefer or require' -r -f -a "disable\t''
prefer\t''
require\t''"
complete -c pgprobe -n "__fish_pgprobe_using_subcommand ciphers" -l require-auth -d 'Acceptable authentication methods (libpq 16)' -r
complete -c pgprobe -n "__fish_pgprobe_using_subcommand ciphers" -l gssencmode -d 'disable, prefer or require' -r -f -a "disable\t''
prefer\t''
require\t''"
complete -c pgprobe -n "__fish_pgprobe_using_subcommand ciphers" -l connect-timeout -d 'libpq\'s own time limit for an address, in seconds' -r
complete -c pgprobe -n "__fish_pgprobe_using_subcommand ciphers" -l service -d 'Section of the service file' -r
complete -c pgprobe -n "__fish_pgprobe_using_subcommand ciphers" -l all-addresses -d 'Enumerate every address of a name, not only the first that accepts TCP'
complete -c pgprobe -n "__fish_pgprobe_using_subcommand ciphers" -s q -l quiet -d 'One line for each target'
complete -c pgprobe -n "__fish_pgprobe_using_subcommand ciphers" -s v -l verbose -d 'Show more: details of the certificates and times; twice: what libpq would try, in order, and the bytes of the answers'
complete -c pgprobe -n "__fish_pgprobe_using_subcommand ciphers" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pgprobe -n "__fish_pgprobe_using_subcommand demo" -l libpq -d 'The libpq to emulate [default: 18; of `assess`: the one probed for]' -r -f -a "15\t''
16\t''
17\t''
18\t''"
complete -c pgprobe -n "__fish_pgprobe_using_subcommand demo" -l openssl -d 'The TLS library under it [default: 3-level2; of `assess`: the one probed for]' -r -f -a "3-level2\t'OpenSSL 3 at security level 2 (Debian, Ubuntu, upstream since 3.2)'
3-level1\t'OpenSSL 3 at security level 1 (upstream 3.0 and 3.1)'
1.1.1\t'OpenSSL 1.1.1 at its default level 1'"
complete -c pgprobe -n "__fish_pgprobe_using_subcommand demo" -l at -d 'Judge validity at this time (RFC 3339, or seconds since 1970) instead of now' -r
complete -c pgprobe -n "__fish_pgprobe_using_subcommand demo" -l format -d 'How to show it; `json` is an object a line, described in docs/json.md, `openmetrics` are the metrics of docs/monitoring/prometheus.md' -r -f -a "text\t'For people'
json\t'An object a line'
openmetrics\t'Metrics'
sarif\t'Findings as SARIF 2.1.0'
findings-csv\t'Findings as CSV, a line each'"
complete -c pgprobe -n "__fish_pgprobe_using_subcommand demo" -l color -d 'When to use colours; NO_COLOR is kept' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c pgprobe -n "__fish_pgprobe_using_subcommand demo" -l fail-on -d 'Exit with 1 where there is a finding of this severity or worse, of this name, or a failed rule of this profile' -r
complete -c pgprobe -n "__fish_pgprobe_using_subcommand demo" -l baseline -d 'The findings that are known, with reason and last day: see `pgprobe help findings`' -r
complete -c pgprobe -n "__fish_pgprobe_using_subcommand demo" -l write-baseline -d 'Write the findings above info to FILE, for --baseline' -r
complete -c pgprobe -n "__fish_pgprobe_using_subcommand demo" -l profile -d 'Hold the server against a profile: mozilla-modern, nist-sp-800-52r2, cis-postgresql-17, ..., or a file of your own; several times for several' -r
complete -c pgprobe -n "__fish_pgprobe_using_subcommand demo" -s q -l quiet -d 'One line for each target'
complete -c pgprobe -n "__fish_pgprobe_using_subcommand demo" -s v -l verbose -d 'Show more: details of the certificates and times; twice: what libpq would try, in order, and the bytes of the answers'
complete -c pgprobe -n "__fish_pgprobe_using_subcommand demo" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pgprobe -n "__fish_pgprobe_using_subcommand explain" -l list -d 'All of them, a line each: name, severity, what it is'
complete -c pgprobe -n "__fish_pgprobe_using_subcommand explain" -s h -l help -d 'Print help'
complete -c pgprobe -n "__fish_pgprobe_using_subcommand exporter" -l config -d 'The configuration, in TOML: modules, the allow list, limits. Without one there is one module, which does one quiet handshake, and only this machine may ask' -r
complete -c pgprobe -n "__fish_pgprobe_using_subcommand exporter" -l listen -d 'Where to listen [default: listen of the configuration, or 127.0.0.1:10432]' -r
complete -c pgprobe -n "__fish_pgprobe_using_subcommand exporter" -l check-config -d 'Check the configuration, and end'
complete -c pgprobe -n "__fish_pgprobe_using_subcommand exporter" -s h -l help -d 'Print help'
complete -c pgprobe -n "__fish_pgprobe_using_subcommand scan" -s i -l input -d 'A file of targets, whatever it is called' -r
complete -c pgprobe -n "__fish_pgprobe_using_subcommand scan" -s p -l port -d 'Ports, where a target names none' -r
complete -c pgprobe -n "__fish_pgprobe_using_subcommand scan" -l exclude -d 'Never probe these: addresses, networks, ranges, names' -r
complete -c pgprobe -n "__fish_pgprobe_using_subcommand scan" -l exclude-file -d 'Never probe what stands in FILE, one a line' -r
complete -c pgprobe -n "__fish_pgprobe_using_subcommand scan" -l shard -d 'Probe the I-th of N parts (1/4 ... 4/4), the same on every machine' -r
complete -c pgprobe -n "__fish_pgprobe_using_subcommand scan" -s c -l concurrency -d 'How many targets at once [default: 1000, or what the limit of open files allows]' -r
complete -c pgprobe -n "__fish_pgprobe_using_subcommand scan" -l rate -d 'How many targets are begun in a second, at most' -r
complete -c pgprobe -n "__fish_pgprobe_using_subcommand scan" -l jitter -d 'Wait a random time up to this, in seconds, before each target' -r
complete -c pgprobe -n "__fish_pgprobe_using_subcommand scan" -l timeout -d 'The time for each target, in seconds' -r
complete -c pgprobe -n "__fish_pgprobe_using_subcommand scan" -l retries -d 'How often to try again where a connection failed in passing (no route, reset while it was made, the resolver busy); not after a refusal or a timeout' -r
complete -c pgprobe -n "__fish_pgprobe_using_subcommand scan" -l depth -d 'How much to ask: `handshake` (1 connection), `startup` (2 or 3), `full` (up to 6)' -r -f -a "handshake\t'One connection: SSLRequest, the TLS handshake, an orderly close'
startup\t'Also what pg_hba.conf does over TLS and in plaintext'
full\t'Also GSSENCRequest and direct TLS'"
complete -c pgprobe -n "__fish_pgprobe_using_subcommand scan" -s o -l output -d 'Write records to FILE, which must not hold any yet; its records are its checkpoint' -r
complete -c pgprobe -n "__fish_pgprobe_using_subcommand scan" -l format -d 'The form of a record' -r -f -a "json\t'An object a line, described in docs/json.md'
csv\t'A line for a spreadsheet, after one of headings'
tlsx\t'An object a line with the field names of tlsx'
zgrab2\t'An object a line with the field names of zgrab2\'s module postgres'
sarif\t'Findings as one log of SARIF 2.1.0'
findings-csv\t'Findings as CSV, a line each'"
complete -c pgprobe -n "__fish_pgprobe_using_subcommand scan" -l progress -d 'Where standard error is no terminal: a line about the progress every so many seconds' -r
complete -c pgprobe -n "__fish_pgprobe_using_subcommand scan" -l libpq -d 'The libpq to emulate [default: 18]' -r -f -a "15\t''
16\t''
17\t''
18\t''"
complete -c pgprobe -n "__fish_pgprobe_using_subcommand scan" -l openssl -d 'The TLS library under it [default: 3-level2]' -r -f -a "3-level2\t'OpenSSL 3 at security level 2 (Debian, Ubuntu, upstream since 3.2)'
3-level1\t'OpenSSL 3 at security level 1 (upstream 3.0 and 3.1)'
1.1.1\t'OpenSSL 1.1.1 at its default level 1'"
complete -c pgprobe -n "__fish_pgprobe_using_subcommand scan" -l at -d 'Judge validity at this time (RFC 3339, or seconds since 1970) instead of now' -r
complete -c pgprobe -n "__fish_pgprobe_using_subcommand scan" -l fail-on -d 'Exit with 1 where there is a finding of this severity or worse, of this name, or a failed rule of this profile' -r
complete -c pgprobe -n "__fish_pgprobe_using_subcommand scan" -l baseline -d 'The findings that are known, with reason and last day: see `pgprobe help findings`' -r
complete -c pgprobe -n "__fish_pgprobe_using_subcommand scan" -l write-baseline -d 'Write the findings above info to FILE, for --baseline' -r
complete -c pgprobe -n "__fish_pgprobe_using_subcommand scan" -l profile -d 'Hold the server against a profile: mozilla-modern, nist-sp-800-52r2, cis-postgresql-17, ..., or a file of your own; several times for several' -r
complete -c pgprobe -n "__fish_pgprobe_using_subcommand scan" -s d -l dbname -d 'Database, for pg_hba.conf' -r
complete -c pgprobe -n "__fish_pgprobe_using_subcommand scan" -s U -l user -d 'User, for pg_hba.conf' -r
complete -c pgprobe -n "__fish_pgprobe_using_subcommand scan" -l sslrootcert -d 'File of trusted root certificates; `system`; or `mozilla` for the bundled ones' -r
complete -c pgprobe -n "__fish_pgprobe_using_subcommand scan" -l sslcrl -d 'File of revocation lists' -r
complete -c pgprobe -n "__fish_pgprobe_using_subcommand scan" -l sslcrldir -d 'Directory of revocation lists' -r
complete -c pgprobe -n "__fish_pgprobe_using_subcommand scan" -l sslcert -d 'Client certificate, for every server that asks for one' -r
complete -c pgprobe -n "__fish_pgprobe_using_subcommand scan" -l sslkey -d 'Its private key' -r
complete -c pgprobe -n "__fish_pgprobe_using_subcommand scan" -l sslnegotiation -d 'postgres or direct (libpq 17)' -r
complete -c pgprobe -n "__fish_pgprobe_using_subcommand scan" -l sslsni -d '1 to send the server name, 0 not to' -r
complete -c pgprobe -n "__fish_pgprobe_using_subcommand scan" -l ssl-min-protocol-version -d 'Lowest TLS version' -r
complete -c pgprobe -n "__fish_pgprobe_using_subcommand scan" -l ssl-max-protocol-version -d 'Highest TLS version' -r
complete -c pgprobe -n "__fish_pgprobe_using_subcommand scan" -l all-addresses -d 'Probe every address of a name, a record for each, not only the first that accepts TCP'
complete -c pgprobe -n "__fish_pgprobe_using_subcommand scan" -l strict -d 'Stop at the first line that is no target, instead of passing over it'
complete -c pgprobe -n "__fish_pgprobe_using_subcommand scan" -l yes -d 'Do scan networks of more than 65,536 addresses on the command line'
complete -c pgprobe -n "__fish_pgprobe_using_subcommand scan" -l resume -d 'Go on with the file of --output: a torn last record is cut off, targets with one are passed over'
complete -c pgprobe -n "__fish_pgprobe_using_subcommand scan" -s q -l quiet -d 'Say nothing on standard error but errors'
complete -c pgprobe -n "__fish_pgprobe_using_subcommand scan" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pgprobe -n "__fish_pgprobe_using_subcommand diff" -l format -d 'How to show it; `json` is a change a line' -r -f -a "text\t'For people'
json\t'An object a line'"
complete -c pgprobe -n "__fish_pgprobe_using_subcommand diff" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pgprobe -n "__fish_pgprobe_using_subcommand report" -s o -l output -d 'Write the page to FILE, in place of what is there, instead of standard output' -r
complete -c pgprobe -n "__fish_pgprobe_using_subcommand report" -l title -d 'What the page is called' -r
complete -c pgprobe -n "__fish_pgprobe_using_subcommand report" -l at -d 'Count expiry from this time (RFC 3339, or seconds since 1970) instead of now' -r
complete -c pgprobe -n "__fish_pgprobe_using_subcommand report" -s h -l help -d 'Print help'
complete -c pgprobe -n "__fish_pgprobe_using_subcommand help" -s h -l help -d 'Print help'
complete -c pgprobe -n "__fish_pgprobe_using_subcommand help" -f -a "sslmode depth exit-codes findings profiles files environment assess check ciphers demo explain exporter scan diff report help pgprobe topics"
