# Makes the certificates of PostgreSQL's src/test/ssl anew, as far as tests/data/ssl.table needs
# them: a root, an intermediate each for servers and clients, leaves without extensions where they
# need none (which makes them X.509 v1), and CRLs. Run in an empty folder.
set -eu

domain=pg-ssltest.test

# ---- the three CAs ----------------------------------------------------------------------------

cat > ca.cnf <<END
[req]
distinguished_name = name
x509_extensions = v3_ca
[name]
[v3_ca]
basicConstraints = CA:true

[ca]
[root]
database = root.index
crlnumber = root.number
default_md = sha256
default_crl_days = 10000
[server]
database = server.index
crlnumber = server.number
default_md = sha256
default_crl_days = 10000
[client]
database = client.index
crlnumber = client.number
default_md = sha256
default_crl_days = 10000
END

for ca in root server client; do
    openssl genrsa -out ${ca}_ca.key 2048
    : > $ca.index
    echo 01 > $ca.number
done
openssl req -new -x509 -config ca.cnf -key root_ca.key -out root_ca.crt -days 10000 \
    -subj "/CN=Test root CA for PostgreSQL SSL regression test suite"
for ca in server client; do
    openssl req -new -config ca.cnf -key ${ca}_ca.key -out ${ca}_ca.csr \
        -subj "/CN=Test CA for PostgreSQL SSL regression test ${ca} certs"
    openssl x509 -req -in ${ca}_ca.csr -CA root_ca.crt -CAkey root_ca.key -CAcreateserial \
        -out ${ca}_ca.crt -days 10000 -extfile ca.cnf -extensions v3_ca
    cat root_ca.crt ${ca}_ca.crt > root+${ca}_ca.crt
done
cat root_ca.crt server_ca.crt client_ca.crt > both-cas-1.crt
cat root_ca.crt client_ca.crt server_ca.crt > both-cas-2.crt

# ---- leaves: leaf CA NAME SUBJECT [SAN] -------------------------------------------------------

openssl genrsa -out server.key 2048
openssl genrsa -out client.key 2048

leaf() {
    ca=$1 name=$2
    openssl req -new -key "$ca.key" -out leaf.csr -subj "$3"
    extensions=
    if [ $# -eq 4 ]; then
        echo "subjectAltName = $4" > leaf.ext
        extensions="-extfile leaf.ext"
    fi
    # shellcheck disable=SC2086 # two words or none
    openssl x509 -req -in leaf.csr -CA "${ca}_ca.crt" -CAkey "${ca}_ca.key" -CAcreateserial \
        -out "$name.crt" -days 10000 $extensions
}

alt=alt-name.$domain
leaf server server-cn-only "/OU=test/CN=common-name.$domain"
leaf server server-ip-cn-only "/OU=test/CN=192.0.2.1"
leaf server server-ip-in-dnsname "/OU=test" "DNS:192.0.2.1"
leaf server server-multiple-alt-names "/OU=test" \
    "DNS:dns1.$alt, DNS:dns2.$alt, DNS:*.wildcard.$domain"
leaf server server-single-alt-name "/OU=test" "DNS:single.$alt"
leaf server server-ip-alt-names "/OU=test" "IP:192.0.2.1, IP:2001:db8::1"
leaf server server-cn-and-alt-names "/OU=test/CN=common-name.$domain" "DNS:dns1.$alt, DNS:dns2.$alt"
leaf server server-cn-and-ip-alt-names "/OU=test/CN=common-name.$domain" \
    "IP:192.0.2.1, IP:2001:db8::1"
leaf server server-ip-cn-and-alt-names "/OU=test/CN=192.0.2.1" "IP:192.0.2.2, IP:2001:db8::1"
leaf server server-ip-cn-and-dns-alt-names "/OU=test/CN=192.0.2.1" "DNS:dns1.$alt, DNS:dns2.$alt"
leaf server server-no-names "/OU=test"
leaf server server-revoked "/OU=test/CN=common-name.$domain"
cat server-cn-only.crt server_ca.crt > server-cn-only+server_ca.crt

leaf client client "/CN=ssltestuser"
leaf client client-dn "/O=PGDG/OU=Engineering/OU=Testing/CN=ssltestuser-dn"
leaf client client-revoked "/CN=ssltestuser"
cat client.crt client_ca.crt > client+client_ca.crt

# ---- the forms of the client's key ------------------------------------------------------------

password='dUmmyP^#+'
openssl rsa -in client.key -outform DER -out client-der.key
openssl rsa -in client.key -aes128 -passout "pass:$password" -out client-encrypted-pem.key
openssl rsa -in client.key -outform DER -aes128 -passout "pass:$password" \
    -out client-encrypted-der.key
cp client.key client_wrongperms.key
chmod 600 client*.key
chmod 644 client_wrongperms.key

# ---- CRLs: files, and folders by hash ---------------------------------------------------------

for ca in server client; do
    openssl ca -config ca.cnf -name $ca -cert ${ca}_ca.crt -keyfile ${ca}_ca.key \
        -revoke $ca-revoked.crt
done
for ca in root server client; do
    openssl ca -config ca.cnf -name $ca -cert ${ca}_ca.crt -keyfile ${ca}_ca.key \
        -gencrl -out $ca.crl
done
for ca in server client; do
    cat root.crl $ca.crl > root+$ca.crl
    mkdir root+$ca-crldir $ca-crldir
    cp root.crl root+$ca-crldir/$(openssl crl -hash -noout -in root.crl).r0
    cp $ca.crl root+$ca-crldir/$(openssl crl -hash -noout -in $ca.crl).r0
    cp $ca.crl $ca-crldir/$(openssl crl -hash -noout -in $ca.crl).r0
done
