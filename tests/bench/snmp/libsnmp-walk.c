/*
 * The peer of the bench: an asynchronous poller on Net-SNMP's libsnmp, as good as its API allows (single-session API, one epoll set, no
 * text OIDs on the hot path). Reads the same columns of the same switches, for a given time, and prints what it cost as one JSON line.
 *
 * usage: libsnmp-walk MODE SECONDS FIRST_PORT COUNT ROWS REPETITIONS COLUMN...
 *   MODE        2c, or 3 (user bench, SHA, AES)
 *   FIRST_PORT  of COUNT agents on 127.0.0.1, one a port; 0 = agents on 127.1.x.y, all on the port in FARM_PORT
 */
#include <net-snmp/net-snmp-config.h>
#include <net-snmp/net-snmp-includes.h>
#include <net-snmp/library/large_fd_set.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define MAX_COLUMNS 64

typedef struct {
  void *session;
  int column;   /* being walked */
  int rows;     /* of it so far */
  oid last[MAX_OID_LEN];
  size_t last_length;
} device;

static struct { oid name[MAX_OID_LEN]; size_t length; } columns[MAX_COLUMNS];
static int column_count, row_count, repetitions, wide;
static unsigned long values, wrong, requests;
static unsigned long long checksum;
static int running = 1;

static double seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec * 1e-9;
}

static double cpu_seconds(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_utime.tv_sec + usage.ru_stime.tv_sec + (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6;
}

static int answered(int operation, netsnmp_session *session, int id, netsnmp_pdu *pdu, void *magic);

static void ask(device *d) {
  netsnmp_pdu *pdu = snmp_pdu_create(SNMP_MSG_GETBULK);
  pdu->non_repeaters = 0;
  int left = row_count - d->rows;
  pdu->max_repetitions = repetitions < left || !wide ? repetitions : left;
  if (wide) {
    for (int c = 0; c < column_count; c++) {
      oid name[MAX_OID_LEN];
      memcpy(name, columns[c].name, columns[c].length * sizeof(oid));
      size_t length = columns[c].length;
      if (d->rows > 0) name[length++] = d->last[0];
      snmp_add_null_var(pdu, name, length);
    }
  } else {
    snmp_add_null_var(pdu, d->last, d->last_length);
  }
  requests++;
  if (!snmp_sess_async_send(d->session, pdu, answered, d)) {
    snmp_free_pdu(pdu);
    wrong++;
  }
}

static void begin_column(device *d, int column) {
  d->column = column;
  d->rows = 0;
  memcpy(d->last, columns[column].name, columns[column].length * sizeof(oid));
  d->last_length = columns[column].length;
}

static void take(netsnmp_variable_list *v) {
  values++;
  switch (v->type) {
    case ASN_COUNTER64:
      checksum += ((unsigned long long)v->val.counter64->high << 32) | v->val.counter64->low;
      break;
    case ASN_INTEGER:
    case ASN_COUNTER:
    case ASN_GAUGE:
    case ASN_TIMETICKS:
      checksum += (unsigned long long)*v->val.integer;
      break;
    default:
      wrong++;
  }
}

static void read_wide(device *d, netsnmp_pdu *pdu) {
  int c = 0;
  for (netsnmp_variable_list *v = pdu->variables; v; v = v->next_variable) {
    size_t length = columns[c].length;
    if (v->name_length != length + 1 || memcmp(v->name, columns[c].name, length * sizeof(oid)) != 0) { wrong++; return; }
    take(v);
    if (c == 0) d->last[0] = v->name[length];
    if (++c == column_count) { c = 0; d->rows++; }
  }
  if (d->rows >= row_count) d->rows = 0;
}

static void read_column(device *d, netsnmp_pdu *pdu) {
  size_t length = columns[d->column].length;
  int inside = 0;
  for (netsnmp_variable_list *v = pdu->variables; v; v = v->next_variable) {
    if (netsnmp_oid_is_subtree(columns[d->column].name, length, v->name, v->name_length) != 0 || v->type == SNMP_ENDOFMIBVIEW) {
      inside = 0;
      break;
    }
    if (snmp_oid_compare(d->last, d->last_length, v->name, v->name_length) >= 0) { wrong++; return; }
    take(v);
    d->rows++;
    inside = 1;
    memcpy(d->last, v->name, v->name_length * sizeof(oid));
    d->last_length = v->name_length;
  }
  if (!inside) {
    if (d->rows != row_count) wrong++;
    begin_column(d, (d->column + 1) % column_count);
  }
}

static int answered(int operation, netsnmp_session *session, int id, netsnmp_pdu *pdu, void *magic) {
  (void)session;
  (void)id;
  device *d = magic;
  if (operation != NETSNMP_CALLBACK_OP_RECEIVED_MESSAGE || pdu->errstat != SNMP_ERR_NOERROR) wrong++;
  else if (wide) read_wide(d, pdu);
  else read_column(d, pdu);
  if (running) ask(d);
  return 1;
}

static void *open_session(const char *mode, const char *peer) {
  netsnmp_session session;
  snmp_sess_init(&session);
  session.peername = (char *)peer;
  session.timeout = 1000000;
  session.retries = 3;
  if (strcmp(mode, "3") != 0) {
    session.version = SNMP_VERSION_2c;
    session.community = (u_char *)"public";
    session.community_len = 6;
  } else {
    session.version = SNMP_VERSION_3;
    session.securityName = "bench";
    session.securityNameLen = 5;
    session.securityLevel = SNMP_SEC_LEVEL_AUTHPRIV;
    session.securityAuthProto = usmHMACSHA1AuthProtocol;
    session.securityAuthProtoLen = USM_AUTH_PROTO_SHA_LEN;
    session.securityPrivProto = usmAESPrivProtocol;
    session.securityPrivProtoLen = USM_PRIV_PROTO_AES_LEN;
    session.securityAuthKeyLen = USM_AUTH_KU_LEN;
    session.securityPrivKeyLen = USM_PRIV_KU_LEN;
    if (generate_Ku(session.securityAuthProto, session.securityAuthProtoLen, (u_char *)"benchauth123", 12, session.securityAuthKey, &session.securityAuthKeyLen) != SNMPERR_SUCCESS) return NULL;
    if (generate_Ku(session.securityAuthProto, session.securityAuthProtoLen, (u_char *)"benchpriv123", 12, session.securityPrivKey, &session.securityPrivKeyLen) != SNMPERR_SUCCESS) return NULL;
  }
  return snmp_sess_open(&session);
}

int main(int argc, char **argv) {
  if (argc < 8) return 2;
  const char *mode = argv[1];
  double lasting = atof(argv[2]);
  int first_port = atoi(argv[3]), count = atoi(argv[4]);
  row_count = atoi(argv[5]);
  repetitions = atoi(argv[6]);
  setenv("MIBS", "", 1);
  init_snmp("libsnmp-walk");
  for (int i = 7; i < argc && column_count < MAX_COLUMNS; i++) {
    columns[column_count].length = MAX_OID_LEN;
    if (!read_objid(argv[i], columns[column_count].name, &columns[column_count].length)) return 2;
    column_count++;
  }
  wide = repetitions * column_count <= 64;
  device *devices = calloc(count, sizeof *devices);
  int poll = epoll_create1(0);
  for (int i = 0; i < count; i++) {
    char peer[64];
    if (first_port > 0) snprintf(peer, sizeof peer, "udp:127.0.0.1:%d", first_port + i);
    else snprintf(peer, sizeof peer, "udp:127.1.%d.%d:%s", (i + 1) >> 8, (i + 1) & 255, getenv("FARM_PORT"));
    devices[i].session = open_session(mode, peer);
    if (!devices[i].session) { snmp_perror("open"); return 1; }
    begin_column(&devices[i], 0);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = &devices[i]};
    epoll_ctl(poll, EPOLL_CTL_ADD, snmp_sess_transport(devices[i].session)->sock, &event);
  }
  netsnmp_large_fd_set readable;
  netsnmp_large_fd_set_init(&readable, 4096);
  for (int i = 0; i < count; i++) ask(&devices[i]);
  double began = 0, cpu = 0, warm = seconds() + 0.5, end = warm + lasting, checked = seconds();
  unsigned long values_before = 0, requests_before = 0;
  for (;;) {
    double now = seconds();
    if (began == 0 && now >= warm) { began = now; cpu = cpu_seconds(); values_before = values; requests_before = requests; }
    if (now >= end) break;
    struct epoll_event events[256];
    int ready = epoll_wait(poll, events, 256, 100);
    for (int i = 0; i < ready; i++) {
      device *d = events[i].data.ptr;
      int fd = snmp_sess_transport(d->session)->sock;
      netsnmp_large_fd_setfd(fd, &readable);
      snmp_sess_read2(d->session, &readable);
      netsnmp_large_fd_clr(fd, &readable);
    }
    if (now - checked > 0.5) {
      checked = now;
      for (int i = 0; i < count; i++) snmp_sess_timeout(devices[i].session);
    }
  }
  running = 0;
  printf("{\"values\":%lu,\"cpuMs\":%.3f,\"wallMs\":%.1f,\"requests\":%lu,\"wrong\":%lu,\"checksum\":%llu}\n", values - values_before,
         (cpu_seconds() - cpu) * 1000, (seconds() - began) * 1000, requests - requests_before, wrong, checksum);
  return wrong > 0;
}
