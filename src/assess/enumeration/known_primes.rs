//! Primes of finite fields that many servers share: what was computed once for one of them serves
//! against all (Logjam, CVE-2015-4000).

/// Whose prime it is, by the SHA-256 of its bytes, big end first, without leading zeros.
pub(super) fn known_prime(sha256: &str) -> Option<&'static str> {
    let found = KNOWN.iter().find(|(known, _)| *known == sha256);
    found.map(|(_, name)| *name)
}

/// Oakley and the later MODP groups, ffdhe, RFC 5114; and what Apache, nginx, Java, OpenSSL, HAProxy
/// brought along.
const KNOWN: &[(&str, &str)] = &[
    // 512 bits.
    (
        "3cdb020b9ef298b2f3f6cf5a872af527337bf7b9f654b2e70c49da16a4d24137",
        "Apache mod_ssl 2.0",
    ),
    // 512 bits.
    (
        "db01e702899166da28c9bc7896af62bcdf0c96d0fb341950ba80e68bd51a57ef",
        "Apache mod_ssl 2.2",
    ),
    // 512 bits.
    (
        "73b391ec8da33ee197aed17d7cfce1321b94e04c5b55b3c02c1c7198eb88715b",
        "Java's default",
    ),
    // 512 bits.
    (
        "f26e2403f3f07946654404909f0ff81d9354de17250411b4c04b89af73178425",
        "OpenSSL's documentation",
    ),
    // 768 bits.
    (
        "ee5483fe4b96caa10cb5b863ec409aab2762e6bf43af4a8a0a42817fef4dd7f3",
        "Java's default",
    ),
    // 768 bits.
    (
        "b52ba6a3026520a6c49d37e4587601801bee500123b3259b6bf03e7cecc3e63d",
        "RFC 2409, Oakley Group 1",
    ),
    // 1024 bits.
    (
        "bf910d9df4e0b2e76cda7443f592aa118e33ba2c224ebc27fb8978d873c8c2e3",
        "Apache mod_ssl 2.2",
    ),
    // 1024 bits.
    (
        "486e235226a927b22b9389bf43377084cb9be4c303f08fd490613ab4d9dfbd31",
        "HAProxy",
    ),
    // 1024 bits.
    (
        "cc21a33dd1a3edf40bf636b5496e4aede198a437a8548e0cc1a621424e42419b",
        "Java's default",
    ),
    // 1024 bits.
    (
        "66d0bf38b0bdfacf2fdae33f35102ab6079fd5ff0feff8e436a4063745c72739",
        "OpenSSL's documentation",
    ),
    // 1024 bits.
    (
        "3f35a3f5f6c4376a744acad409bb22f8d897f949d2311d885adaa890981b67a0",
        "RFC 2409, Oakley Group 2",
    ),
    // 1024 bits.
    (
        "44c55cfee5c075927cf682da5b681bdecbd5c3eb0784c14f5dce7610f0ef133d",
        "RFC 5114",
    ),
    // 1024 bits.
    (
        "6215d41bb617b390082b066d6856f8b361d6c77f316a84301f7c9717a8681485",
        "SKIP",
    ),
    // 1024 bits.
    (
        "196085cb4281d1ff18efaad097bc1ec0af2581444026a6a3018b1479f6d89cdb",
        "a prime that many servers share (weakdh.org)",
    ),
    // 1024 bits.
    (
        "2b07d24b932aa7a015c45a3f06e75ba71cb8cff8d33980acebf628afff1c101e",
        "a prime that many servers share (weakdh.org)",
    ),
    // 1024 bits.
    (
        "52d4faa53003b8349dac3e984a6423bc1ab6ab927f1855d94757185f71b5d97d",
        "a prime that many servers share (weakdh.org)",
    ),
    // 1024 bits.
    (
        "5f856a00120eee6d6b87ef8f596aefbbd284f8a611c8329a713d37cdec2a27b0",
        "a prime that many servers share (weakdh.org)",
    ),
    // 1024 bits.
    (
        "74a5cce5b6a93eb755e2f48250dc7cb3ea529484af916e1368034b6f70eb25fc",
        "a prime that many servers share (weakdh.org)",
    ),
    // 1024 bits.
    (
        "80571b97f71f89727ab0c40bb73b4f01a420469abd814b7b35090c8d6dff62b0",
        "a prime that many servers share (weakdh.org)",
    ),
    // 1024 bits.
    (
        "8523c72057043833089915168751620b02dd60206beaa3ddb65df468acc9584e",
        "a prime that many servers share (weakdh.org)",
    ),
    // 1024 bits.
    (
        "ac0ff7a415f003c6503d4c126f2929769e6f3f89c29efa450764212fa13e2069",
        "a prime that many servers share (weakdh.org)",
    ),
    // 1024 bits.
    (
        "bc19c041491e550f381d09415a82e1b359410e8e243744cc545a342455f5fcd8",
        "a prime that many servers share (weakdh.org)",
    ),
    // 1024 bits.
    (
        "deb671287187265a5383df13708d3a757735f4af22dd171265385822f5aca5b9",
        "a prime that many servers share (weakdh.org)",
    ),
    // 1024 bits.
    (
        "8ae47dca3d24e9b64640062686da234dcabada26b0da6f090c5449c1338d9a11",
        "nginx",
    ),
    // 1536 bits.
    (
        "64fcc83ec403930bf18393dbc883ccaa1fbb08ac876f77f7aa99748ca945019b",
        "RFC 3526, group 5",
    ),
    // 2048 bits.
    (
        "7b6551ea6ff09bd78c24bede10980a155f70b6c81e48b4dd8bec822ab3bf0e94",
        "HAProxy",
    ),
    // 2048 bits.
    (
        "3166ce19180005327a6059a2e7a4ed22775ad2f0eadaee59a7481ab391fe592f",
        "OpenSSL's documentation",
    ),
    // 2048 bits.
    (
        "9e348a9471b7d123aa97071e38288379fc12a9992e8e75db2113c1ded5463ac3",
        "OpenSSL's documentation",
    ),
    // 2048 bits.
    (
        "d66436f79bbd6b2e38c0ffbd079be904d2641415e2e67140e09448be9a60890e",
        "RFC 3526, group 14",
    ),
    // 2048 bits.
    (
        "0b7835722cb619827610c2549fdda5587421686c4409a13865e76225522ddcc9",
        "RFC 5114",
    ),
    // 2048 bits.
    (
        "bfe545862ca102ad1eeddb5fbfa5bf855ac4995c56a8b408ce3fe099dce93a9d",
        "RFC 5114",
    ),
    // 2048 bits.
    (
        "9cd3b7f336872f46c09428d1bbc19877a4d440512cda8d1c1cf0cd6e33698966",
        "RFC 7919, ffdhe2048",
    ),
    // 2048 bits.
    (
        "725541d91fe79bcf52e6d96581d83ab8eb68a6c2460d933f68792a369b003b1c",
        "SKIP",
    ),
    // 3072 bits.
    (
        "48cf8b092fbce4359d9871abf74f98e25b6163379eaa15cd9087e800c6d1c55c",
        "RFC 3526, group 15",
    ),
    // 3072 bits.
    (
        "0eaf67db3a839156d5013494a5318a772b5697d270d721f37f092efc69ea5a17",
        "RFC 7919, ffdhe3072",
    ),
    // 4096 bits.
    (
        "a67f41cb161353e098a815bf4070d3268927a50cf3b9be233377f81e0ac77c1e",
        "HAProxy",
    ),
    // 4096 bits.
    (
        "ce7728db3aed1119a82b9f17b17df9f8e370ddd7639946df09a119f924aa42e8",
        "OpenSSL's documentation",
    ),
    // 4096 bits.
    (
        "4ee95187682bcb230ad26a95205f6920e84708f6251b3894329b09ec23919e33",
        "RFC 3526, group 16",
    ),
    // 4096 bits.
    (
        "4648414224ac881b3d0dc59b466f96d06a558278776807797ecf1f66ff397b3e",
        "RFC 7919, ffdhe4096",
    ),
    // 6144 bits.
    (
        "d1bfe6d0925ce7e4da262b62861514a7755e35831e429f343e7b864848657efd",
        "RFC 3526, group 17",
    ),
    // 6144 bits.
    (
        "227ac9066b3ddd9e193670cda2388fa884f65ba0cf98b742d1fe77a6687c79c7",
        "RFC 7919, ffdhe6144",
    ),
    // 8192 bits.
    (
        "39ab4feab950a3128fb71accb9fc3965d857012e081998a85996e3ea8b3c3bcf",
        "RFC 3526, group 18",
    ),
    // 8192 bits.
    (
        "770b14efaf6f049929c523113b3fa99a8d11dab1b18af3609590122075d19833",
        "RFC 7919, ffdhe8192",
    ),
];
