"""What Snort and Suricata know and Wirebrick doesn't: told from what is misspelt, and counted by name."""

from __future__ import annotations

from collections.abc import Iterable

_HTTP = " (there is no HTTP inspector)"
_BUFFER = " (there is no inspector that has such a buffer)"


def _named(why: str, names: str) -> Iterable[tuple[str, str]]:
    return ((name, why) for name in names.split())


UNSUPPORTED: dict[str, str] = dict(
    [
        *_named(
            _HTTP,
            "uricontent urilen http_client_body http_cookie http_raw_cookie http_header http_raw_header http_method "
            "http_uri http_raw_uri http_stat_code http_stat_msg http_encode http_user_agent http_host http_raw_host "
            "http_accept http_accept_enc http_accept_lang http_connection http_content_len http_content_type "
            "http_protocol http_referer http_request_line http_response_line http_server_body http_start http_param "
            "http_version http_trailer http_raw_body http_raw_request http_raw_status http_true_ip http http2 http3",
        ),
        *_named(
            _BUFFER,
            "file_data base64_data dns dns_query tls tls_sni tls_cert_subject tls_cert_issuer ssh ssh_proto smb "
            "dce_iface dce_opnum dce_stub_data sip_method sip_stat_code sip_header sip_body sip gtp_type gtp_info "
            "gtp_version ssl_version ssl_state modbus_func modbus_unit modbus_data dnp3_func dnp3_obj dnp3_ind "
            "dnp3_data cip_attribute s7commplus_func file filemagic fileext filename filestore filemd5 filesha1 "
            "filesha256 filesize file_type file_meta js_data vba_data snmp ftp ftpdata_command krb5 krb5_cname "
            "ja3 ja3_hash ja3s ja4 cert quic rfb mqtt ike websocket app enip_command sdp_data "
            "app_layer_protocol app-layer-protocol app-layer-event appid appids service decode-event stream-event",
        ),
        *_named(
            "",
            "replace byte_math ber_data ber_skip base64_decode asn1 cvs ftpbounce rpc session logto resp react tag "
            "activates activated_by count protected_content hash length offset_hash stream_reassemble stream_size "
            "sd_pattern so soid detection rem enable target target_where dataset datarep iprep geoip xbits hostbits "
            "flowint lua luajit bsize bypass prefilter requires flow.age flow.pkts tcp.mss tcp.hdr udp.hdr ipv4.hdr "
            "ipv6.hdr icmpv4.hdr icmpv6.hdr icmpv6 dotprefix to_md5 to_sha1 to_sha256 strip_whitespace "
            "compress_whitespace url_decode pcrexform regex md5 sha256 sha512 bufferlen raw_data stream_slice "
            "stream-size frame noalert_reset uricontent_raw preprocessor rawtls ssl tos_mask nfq_set_mark rate_filter",
        ),
    ]
)

_PROTOCOLS = (
    "http http1 http2 ftp ftp-data tls ssl smb dns dcerpc ssh smtp imap pop3 modbus dnp3 enip nfs ikev2 ike krb5 "
    "ntp dhcp rfb rdp snmp tftp sip mqtt quic pgsql telnet websocket file ipv4 ipv6 ip4 ip6 tcp6 udp6 arp ether "
    "pkthdr ospf igmp igrp ipip gre eigrp doh2 ldap"
)
_DIRECTIVES = (
    "config preprocessor output dynamicpreprocessor dynamicengine dynamicdetection rate_filter ruletype activate "
    "dynamic block attribute_table file sidechannel rewrite react rejectsrc rejectdst rejectboth"
)

OTHER_PROTOCOLS = frozenset(_PROTOCOLS.split())
DIRECTIVES = frozenset(_DIRECTIVES.split())
"""Lines of a rule file that Wirebrick doesn't take."""
