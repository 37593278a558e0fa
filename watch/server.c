// SPDX-License-Identifier: MIT
/*
 * server.c - HTTP with libwebsockets.
 *
 * Nothing is served beyond this machine, nor to pages from elsewhere that a browser on this machine shows: those could read the guest's
 * memory, and type at its console. So the address is 127.0.0.1, and who asks must name it so (Host), and come from a page of such an
 * address (Origin), if it says where from.
 */
#include "server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "files.h"

#define HEADER_SIZE 256
#define RX_BUFFER 4096

/* ---- Who asks ---- */

/* Whether "HOST" or "HOST:PORT" is this machine, told by itself. */
static bool is_local_host(const char *host)
{
    static const char *const names[] = {"127.0.0.1", "localhost", "[::1]"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        size_t length = strlen(names[i]);
        if (strncasecmp(host, names[i], length) == 0 && (host[length] == '\0' || host[length] == ':'))
            return true;
    }
    return false;
}

static bool is_local_origin(const char *origin)
{
    const char *host = strstr(origin, "://");

    return host && is_local_host(host + 3);
}

/* A header's text, "" if there is none. => false: it is too long to be a good one */
static bool header(struct lws *wsi, enum lws_token_indexes which, char text[HEADER_SIZE])
{
    text[0] = '\0';
    return lws_hdr_total_length(wsi, which) <= 0 || lws_hdr_copy(wsi, text, HEADER_SIZE, which) >= 0;
}

static bool is_welcome(struct lws *wsi)
{
    char host[HEADER_SIZE], origin[HEADER_SIZE];

    return header(wsi, WSI_TOKEN_HOST, host) && is_local_host(host) && header(wsi, WSI_TOKEN_ORIGIN, origin) &&
           (origin[0] == '\0' || is_local_origin(origin));
}

/* ---- HTTP and WebSocket ---- */

static bool asks_for(struct lws *wsi, const char *wanted)
{
    char path[HEADER_SIZE];

    return header(wsi, WSI_TOKEN_GET_URI, path) && strcmp(path, wanted) == 0;
}

/* What is no file of the page's. The page asks first whether there is a recording: that there is none is no mistake. */
static int serve_other(const struct server *server, struct lws *wsi)
{
    bool recording = asks_for(wsi, "/recording");

    if (server->recording && recording)
        return lws_serve_http_file(wsi, server->recording, "application/x-ndjson", NULL, 0);
    if (lws_return_http_status(wsi, recording ? HTTP_STATUS_NO_CONTENT : HTTP_STATUS_NOT_FOUND, NULL) != 0)
        return -1;
    return lws_http_transaction_completed(wsi) ? -1 : 0;
}

static int on_http(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t length)
{
    struct server *server = lws_context_user(lws_get_context(wsi));
    struct client *client = user;

    switch (reason) {
    case LWS_CALLBACK_FILTER_HTTP_CONNECTION:
        return is_welcome(wsi) ? 0 : -1;
    case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION:
        return is_welcome(wsi) && server->stream && asks_for(wsi, "/stream") ? 0 : -1;
    case LWS_CALLBACK_HTTP:
        return serve_other(server, wsi);
    case LWS_CALLBACK_ESTABLISHED:
        stream_join(server->stream, client, wsi);
        return 0;
    case LWS_CALLBACK_CLOSED:
        stream_leave(server->stream, client);
        return 0;
    case LWS_CALLBACK_SERVER_WRITEABLE:
        return stream_write(server->stream, client) ? 0 : -1;
    case LWS_CALLBACK_RECEIVE:
        return stream_hear(server->stream, client, in, length) ? 0 : -1;
    default:
        return lws_callback_http_dummy(wsi, reason, user, in, length);
    }
}

/* ---- Other files ---- */

static struct server_file *file_of(struct server *server, struct lws *wsi)
{
    for (unsigned i = 0; i < server->file_count; i++)
        if (server->files[i].wsi == wsi)
            return &server->files[i];
    return NULL;
}

static int on_file(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t length)
{
    struct server *server = lws_context_user(lws_get_context(wsi));
    struct server_file *file = file_of(server, wsi);

    (void)user, (void)in, (void)length;
    if (reason != LWS_CALLBACK_RAW_RX_FILE || !file)
        return 0;
    return file->ready(file->arg) ? 0 : -1;
}

void server_add_file(struct server *server, int fd, bool (*ready)(void *arg), void *arg)
{
    struct server_file *file = &server->files[server->file_count++];

    /* libwebsockets closes what it has adopted: it gets a copy. */
    *file = (struct server_file){.fd = dup(fd), .ready = ready, .arg = arg};
    lws_sock_file_fd_type adopted = {.filefd = file->fd};
    file->wsi = lws_adopt_descriptor_vhost(server->vhost, LWS_ADOPT_RAW_FILE_DESC, adopted, "file", NULL);
    if (!file->wsi)
        fail("the server cannot wait for a file");
}

/* ---- The loop ---- */

static const struct lws_protocols protocols[] = {
    {.name = "http", .callback = on_http, .per_session_data_size = sizeof(struct client), .rx_buffer_size = RX_BUFFER},
    {.name = "file", .callback = on_file},
    {.name = NULL},
};

/* The page is one file, with all of its script and style inside; it asks nobody but us for anything. */
static const struct lws_protocol_vhost_options headers[] = {
    {&headers[1], NULL, "content-security-policy:",
     "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:; "
     "connect-src 'self' ws://127.0.0.1:* ws://localhost:*; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"},
    {&headers[2], NULL, "x-content-type-options:", "nosniff"},
    {NULL, NULL, "referrer-policy:", "no-referrer"},
};

static struct lws_http_mount recording_mount = {
    .mountpoint = "/recording", .mountpoint_len = 10, .origin = "http", .origin_protocol = LWSMPRO_CALLBACK, .protocol = "http",
};
static struct lws_http_mount page_mount = {
    .mount_next = &recording_mount, .mountpoint = "/", .mountpoint_len = 1, .def = "index.html", .origin_protocol = LWSMPRO_FILE,
};

/* libwebsockets does not say why it cannot listen. => the port */
static unsigned check_port(unsigned port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) != 0)
        fail("no socket: %s", strerror(errno));
    if (bind(fd, (struct sockaddr *)&address, size) != 0 || listen(fd, 1) != 0) {
        if (errno == EADDRINUSE)
            fail("port %u is in use by somebody else; give another with --port", port);
        fail("port %u: %s", port, strerror(errno));
    }
    getsockname(fd, (struct sockaddr *)&address, &size);
    close(fd);
    return ntohs(address.sin_port);
}

void server_open(struct server *server, unsigned port)
{
    server->port = check_port(port);
    lws_set_log_level(0, NULL);
    page_mount.origin = server->page;
    struct lws_context_creation_info info = {
        .port = (int)server->port, .iface = "127.0.0.1", .protocols = protocols, .mounts = &page_mount, .user = server,
        .options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS | LWS_SERVER_OPTION_DISABLE_IPV6, .headers = headers, .vhost_name = "gaur", .gid = (gid_t)-1, .uid = (uid_t)-1,
    };
    server->context = lws_create_context(&info);
    server->vhost = server->context ? lws_create_vhost(server->context, &info) : NULL;
    if (!server->vhost)
        fail("the server cannot listen on port %u", server->port);
}

void server_after(struct server *server, lws_sorted_usec_list_t *timer, void (*expired)(lws_sorted_usec_list_t *timer),
                  uint64_t microseconds)
{
    lws_sul_schedule(server->context, 0, timer, expired, (lws_usec_t)microseconds);
}

void server_run(struct server *server)
{
    while (!server->done && lws_service(server->context, 0) >= 0)
        ;
}

/* Timers expire inside the service, which would wait for the next one of its own after that: half a minute. */
void server_stop(struct server *server)
{
    server->done = true;
    lws_cancel_service(server->context);
}

void server_close(struct server *server)
{
    lws_context_destroy(server->context);
}
