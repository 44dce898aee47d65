// links: registry base
// libs: openssl
#include <sched.h>
#include <signal.h>
#include <stdio.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/clock.h"
#include "scripted_registry.h"
#include "tg_test.h"
#include "transport_internal.h"

static const scripted_answer_t ANSWERS[] = {
    {"/ping", 200, NULL, NULL, "pong"},
    {"/hang", -1, NULL, NULL, NULL},
    {.path = NULL},
};

static tg_registry_options_t
options_for(const char *const *urls, size_t n_urls)
{
    return (tg_registry_options_t){.urls = urls,
                                   .n_urls = n_urls,
                                   .timeout_ms = 5000,
                                   .verify_host = true,
                                   .max_schema_bytes = 4096};
}

/* One GET with these options; the answer's text goes to the error when it is good. */
static tg_status_t
get_once(const tg_registry_options_t *options, const char *path, int64_t timeout_ms,
         tg_error_t *err)
{
    tg_transport_t *transport = NULL;
    tg_transport_reply_t reply;
    tg_status_t status = tg_transport_open(options, &transport, err);
    if (status == TG_OK) {
        status = tg_transport_get(transport, 0, path, timeout_ms, &reply, err);
    }
    if (status == TG_OK) {
        assert_int_equal(reply.http_status, 200);
        assert_true(tg_bytes_equal(reply.body, tg_bytes_of_text("pong")));
    }
    tg_transport_close(transport);
    return status;
}

static void
transport_sends_the_credentials_that_were_given(void **state)
{
    (void)state;

    const struct {
        const char *userinfo;
        const char *username;
        const char *password;
        const char *token;
        const char *expected; /* NULL: no such header */
    } cases[] = {
        {"", NULL, NULL, NULL, NULL},
        {"", "user", "pass:word", NULL, "Authorization: Basic dXNlcjpwYXNzOndvcmQ=\r\n"},
        {"", NULL, NULL, "abc.def", "Authorization: Bearer abc.def\r\n"},
        {"us%40er:p%3Aw@", NULL, NULL, NULL, "Authorization: Basic dXNAZXI6cDp3\r\n"},
        {"wrong:wrong@", "user", "pass:word", NULL,
         "Authorization: Basic dXNlcjpwYXNzOndvcmQ=\r\n"},
    };

    for (size_t i = 0; i < TG_COUNT_OF(cases); i++) {
        static scripted_registry_t registry;
        scripted_start(&registry, ANSWERS);
        char url[128];
        (void)snprintf(url, sizeof url, "http://%s127.0.0.1:%d", cases[i].userinfo, registry.port);
        tg_registry_options_t options = options_for((const char *[]){url}, 1);
        options.username = cases[i].username;
        options.password = cases[i].password;
        options.bearer_token = cases[i].token;
        tg_error_t err = {0};
        ASSERT_OK(get_once(&options, "/ping", 5000, &err));
        if (cases[i].expected != NULL) {
            assert_true(scripted_was_asked(&registry, cases[i].expected));
        } else {
            assert_false(scripted_was_asked(&registry, "Authorization"));
        }
        assert_true(
            scripted_was_asked(&registry, "Accept: application/vnd.schemaregistry.v1+json"));
        scripted_stop(&registry);
    }
}

/* The credentials of one URL must not travel to the next. */
static void
transport_keeps_the_credentials_of_urls_apart(void **state)
{
    (void)state;
    static scripted_registry_t registries[2];
    char texts[2][128];
    for (size_t i = 0; i < 2; i++) {
        scripted_start(&registries[i], ANSWERS);
        (void)snprintf(texts[i], sizeof texts[i], "http://%s127.0.0.1:%d",
                       i == 0 ? "user:secret@" : "", registries[i].port);
    }
    tg_registry_options_t options = options_for((const char *[]){texts[0], texts[1]}, 2);
    tg_transport_t *transport = NULL;
    tg_transport_reply_t reply;
    tg_error_t err = {0};
    ASSERT_OK(tg_transport_open(&options, &transport, &err));
    ASSERT_OK(tg_transport_get(transport, 0, "/ping", 5000, &reply, &err));
    ASSERT_OK(tg_transport_get(transport, 1, "/ping", 5000, &reply, &err));
    assert_true(scripted_was_asked(&registries[0], "Authorization: Basic"));
    assert_false(scripted_was_asked(&registries[1], "Authorization"));
    assert_null(strstr(tg_transport_url(transport, 0), "secret"));
    tg_transport_close(transport);
    scripted_stop(&registries[0]);
    scripted_stop(&registries[1]);
}

static void
transport_of_an_impossible_configuration_says_which_key(void **state)
{
    (void)state;

    const struct {
        const char *url;
        const char *username;
        const char *token;
        const char *ca_file;
        const char *expected;
    } cases[] = {
        {"127.0.0.1:8081", NULL, NULL, NULL, "http://"},
        {"ftp://secret@h", NULL, NULL, NULL, "neither http:// nor https://"},
        {"http://", NULL, NULL, NULL, "registry.url: URL 1"},
        {"http://h:99999", NULL, NULL, NULL, "registry.url: URL 1"},
        {"http://h/?token=secret", NULL, NULL, NULL, "query"},
        {"http://h/#secret", NULL, NULL, NULL, "fragment"},
        {"http://h", "user", "secret", NULL, "exclude each other"},
        {"http://h", NULL, "secret\n", NULL, "line end"},
        {"http://h", NULL, NULL, "/nonexistent/ca.pem", "registry.ca_file"},
    };

    for (size_t i = 0; i < TG_COUNT_OF(cases); i++) {
        tg_registry_options_t options = options_for((const char *[]){cases[i].url}, 1);
        options.username = cases[i].username;
        options.bearer_token = cases[i].token;
        options.ca_file = cases[i].ca_file;
        tg_transport_t *transport = NULL;
        tg_error_t err = {0};
        tg_status_t status = tg_transport_open(&options, &transport, &err);
        if (status != TG_ERR_CONFIG || strstr(err.text, cases[i].expected) == NULL ||
            strstr(err.text, "secret") != NULL) {
            fail_msg("%s: %s: %s", cases[i].url, tg_status_name(status), err.text);
        }
        assert_null(transport);
    }
}

static void
transport_with_too_many_or_too_long_urls_says_so(void **state)
{
    (void)state;
    static char url[8192];
    memset(url, 'h', sizeof url - 1);
    memcpy(url, "http://", 7);
    const char *urls[TG_TRANSPORT_MAX_URLS + 1];
    for (size_t i = 0; i < TG_COUNT_OF(urls); i++) {
        urls[i] = "http://h";
    }
    tg_transport_t *transport = NULL;
    tg_error_t err = {0};
    tg_registry_options_t options = options_for(urls, TG_COUNT_OF(urls));
    ASSERT_FAILS(tg_transport_open(&options, &transport, &err), TG_ERR_CONFIG);
    assert_non_null(strstr(err.text, "17 entries; 16 are possible"));
    urls[1] = url;
    options.n_urls = 2;
    ASSERT_FAILS(tg_transport_open(&options, &transport, &err), TG_ERR_CONFIG);
    assert_non_null(strstr(err.text, "URL 2 is longer"));
}

static void
transport_without_an_answer_in_time_is_unavailable(void **state)
{
    (void)state;
    static scripted_registry_t registry;
    scripted_start(&registry, ANSWERS);
    char url[64];
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%d", registry.port);
    tg_registry_options_t options = options_for((const char *[]){url}, 1);
    tg_error_t err = {0};
    ASSERT_FAILS(get_once(&options, "/hang", 50, &err), TG_ERR_UNAVAILABLE);
    assert_non_null(strstr(err.text, "timed out"));
    scripted_stop(&registry);
}

static void
transport_at_a_closed_port_says_so_without_credentials(void **state)
{
    (void)state;
    static scripted_registry_t registry;
    scripted_start(&registry, ANSWERS);
    int port = registry.port;
    scripted_stop(&registry);
    char url[64];
    (void)snprintf(url, sizeof url, "http://user:secret@127.0.0.1:%d/x", port);
    tg_registry_options_t options = options_for((const char *[]){url}, 1);
    tg_error_t err = {0};
    ASSERT_FAILS(get_once(&options, "/ping", 5000, &err), TG_ERR_UNAVAILABLE);
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%d/x", port);
    assert_non_null(strstr(err.text, url));
    assert_non_null(strstr(err.text, "is the registry running"));
    assert_null(strstr(err.text, "secret"));
}

static void *
stop_when_asked(void *arg)
{
    void **both = arg;
    scripted_registry_t *registry = both[0];
    while (!scripted_was_asked(registry, "/hang")) {
        (void)sched_yield();
    }
    tg_transport_stop(both[1]);
    return NULL;
}

static void
transport_that_is_stopped_ends_its_request_at_once(void **state)
{
    (void)state;
    static scripted_registry_t registry;
    scripted_start(&registry, ANSWERS);
    char url[64];
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%d", registry.port);
    tg_registry_options_t options = options_for((const char *[]){url}, 1);
    tg_transport_t *transport = NULL;
    tg_transport_reply_t reply;
    tg_error_t err = {0};
    ASSERT_OK(tg_transport_open(&options, &transport, &err));
    void *both[2] = {&registry, transport};
    pthread_t stopper;
    assert_int_equal(pthread_create(&stopper, NULL, stop_when_asked, both), 0);
    int64_t start_ms = tg_clock_now_ms(tg_clock_system());
    ASSERT_FAILS(tg_transport_get(transport, 0, "/hang", 60000, &reply, &err), TG_ERR_CANCELLED);
    assert_true(tg_clock_now_ms(tg_clock_system()) - start_ms < 30000);
    (void)pthread_join(stopper, NULL);
    ASSERT_FAILS(tg_transport_get(transport, 0, "/ping", 5000, &reply, &err), TG_ERR_CANCELLED);
    tg_transport_close(transport);
    scripted_stop(&registry);
}

/* ---- TLS ----------------------------------------------------------------------------------- */

typedef struct certificate {
    EVP_PKEY *key;
    X509 *x509;
    char file[64]; /* the certificate as PEM */
    char key_file[64];
} certificate_t;

static void
write_pem(char *path, size_t n_bytes, X509 *x509, EVP_PKEY *key)
{
    (void)snprintf(path, n_bytes, "/tmp/tg-registry-XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    FILE *file = fdopen(fd, "w");
    assert_non_null(file);
    assert_int_equal(x509 != NULL ? PEM_write_X509(file, x509)
                                  : PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL),
                     1);
    assert_int_equal(fclose(file), 0);
}

/* Signed by itself, for the address that name says ("IP:127.0.0.1"). */
static void
make_certificate(certificate_t *certificate, const char *name)
{
    certificate->key = EVP_EC_gen("P-256");
    X509 *x509 = X509_new();
    assert_non_null(certificate->key);
    assert_non_null(x509);
    (void)X509_set_version(x509, 2);
    (void)ASN1_INTEGER_set(X509_get_serialNumber(x509), 1);
    (void)X509_gmtime_adj(X509_getm_notBefore(x509), -60);
    (void)X509_gmtime_adj(X509_getm_notAfter(x509), 3600);
    (void)X509_set_pubkey(x509, certificate->key);
    X509_NAME *subject = X509_get_subject_name(x509);
    (void)X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)"registry",
                                     -1, -1, 0);
    (void)X509_set_issuer_name(x509, subject);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, name);
    assert_non_null(extension);
    (void)X509_add_ext(x509, extension, -1);
    X509_EXTENSION_free(extension);
    assert_true(X509_sign(x509, certificate->key, EVP_sha256()) > 0);
    certificate->x509 = x509;
    write_pem(certificate->file, sizeof certificate->file, x509, NULL);
    write_pem(certificate->key_file, sizeof certificate->key_file, NULL, certificate->key);
}

static void
drop_certificate(certificate_t *certificate)
{
    (void)unlink(certificate->file);
    (void)unlink(certificate->key_file);
    X509_free(certificate->x509);
    EVP_PKEY_free(certificate->key);
}

/* client: the only one that may come; NULL: everybody. */
static SSL_CTX *
make_server(const certificate_t *server, const certificate_t *client)
{
    SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
    assert_non_null(tls);
    assert_int_equal(SSL_CTX_use_certificate(tls, server->x509), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(tls, server->key), 1);
    if (client != NULL) {
        assert_int_equal(SSL_CTX_load_verify_locations(tls, client->file, NULL), 1);
        SSL_CTX_set_verify(tls, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    }
    return tls;
}

static void
transport_over_tls_trusts_only_what_it_was_told_to(void **state)
{
    (void)state;

    const struct {
        const char *name;
        const char *certified; /* whom the certificate names */
        bool with_ca;
        bool verify_host;
        bool good;
        const char *text;
    } cases[] = {
        {"known authority", "IP:127.0.0.1", true, true, true, ""},
        {"unknown authority", "IP:127.0.0.1", false, true, false, "registry.ca_file"},
        {"wrong name", "IP:10.1.1.1", true, true, false, "registry.verify_host"},
        {"wrong name, allowed", "IP:10.1.1.1", true, false, true, ""},
        {"unknown authority is never allowed", "IP:127.0.0.1", false, false, false, "certificate"},
    };

    for (size_t i = 0; i < TG_COUNT_OF(cases); i++) {
        certificate_t certificate;
        make_certificate(&certificate, cases[i].certified);
        SSL_CTX *tls = make_server(&certificate, NULL);
        static scripted_registry_t registry;
        scripted_start_at(&registry, ANSWERS, 0, tls);
        char url[64];
        (void)snprintf(url, sizeof url, "https://127.0.0.1:%d", registry.port);
        tg_registry_options_t options = options_for((const char *[]){url}, 1);
        options.ca_file = cases[i].with_ca ? certificate.file : NULL;
        options.verify_host = cases[i].verify_host;
        tg_error_t err = {0};
        tg_status_t status = get_once(&options, "/ping", 5000, &err);
        if ((status == TG_OK) != cases[i].good || strstr(err.text, cases[i].text) == NULL) {
            fail_msg("%s: %s: %s", cases[i].name, tg_status_name(status), err.text);
        }
        scripted_stop(&registry);
        SSL_CTX_free(tls);
        drop_certificate(&certificate);
    }
}

static void
transport_over_tls_shows_its_own_certificate(void **state)
{
    (void)state;
    certificate_t server;
    certificate_t client;
    make_certificate(&server, "IP:127.0.0.1");
    make_certificate(&client, "DNS:tidegate");
    SSL_CTX *tls = make_server(&server, &client);
    static scripted_registry_t registry;
    scripted_start_at(&registry, ANSWERS, 0, tls);
    char url[64];
    (void)snprintf(url, sizeof url, "https://127.0.0.1:%d", registry.port);
    tg_registry_options_t options = options_for((const char *[]){url}, 1);
    options.ca_file = server.file;
    tg_error_t err = {0};
    ASSERT_FAILS(get_once(&options, "/ping", 5000, &err), TG_ERR_UNAVAILABLE);
    options.client_certificate_file = client.file;
    options.client_key_file = client.key_file;
    ASSERT_OK(get_once(&options, "/ping", 5000, &err));
    scripted_stop(&registry);
    SSL_CTX_free(tls);
    drop_certificate(&server);
    drop_certificate(&client);
}

static void
transport_with_https_at_a_plain_port_says_so(void **state)
{
    (void)state;
    static scripted_registry_t registry;
    scripted_start(&registry, ANSWERS);
    char url[64];
    (void)snprintf(url, sizeof url, "https://127.0.0.1:%d", registry.port);
    tg_registry_options_t options = options_for((const char *[]){url}, 1);
    tg_error_t err = {0};
    ASSERT_FAILS(get_once(&options, "/ping", 1000, &err), TG_ERR_UNAVAILABLE);
    scripted_stop(&registry);
}

int
main(void)
{
    (void)setenv("no_proxy", "*", 1); /* nothing here is for the proxy of this machine */
    (void)signal(SIGPIPE, SIG_IGN); /* of the scripted side: OpenSSL writes without MSG_NOSIGNAL */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(transport_sends_the_credentials_that_were_given),
        cmocka_unit_test(transport_keeps_the_credentials_of_urls_apart),
        cmocka_unit_test(transport_of_an_impossible_configuration_says_which_key),
        cmocka_unit_test(transport_with_too_many_or_too_long_urls_says_so),
        cmocka_unit_test(transport_without_an_answer_in_time_is_unavailable),
        cmocka_unit_test(transport_at_a_closed_port_says_so_without_credentials),
        cmocka_unit_test(transport_that_is_stopped_ends_its_request_at_once),
        cmocka_unit_test(transport_over_tls_trusts_only_what_it_was_told_to),
        cmocka_unit_test(transport_over_tls_shows_its_own_certificate),
        cmocka_unit_test(transport_with_https_at_a_plain_port_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
