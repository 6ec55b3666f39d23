// Server and client by each other.
#include <gtest/gtest.h>

#include "http/client.h"
#include "http/server.h"
#include "iteralign/error.h"

namespace iteralign {
namespace {

HttpAnswer other(int status) { return {.status = status, .body = "nothing here"}; }

HttpServer server_of(HttpHandler handler, int port = 0) {
  return HttpServer({{HttpRoute::Method::post, "/path", std::move(handler)}}, other, {.port = port, .connections = 4});
}

HttpReply post(const HttpServer& server, const std::string& path, const std::string& body) {
  HttpClient client;
  HttpRequest request;
  request.url = "http://127.0.0.1:" + std::to_string(server.port()) + path;
  request.body = body;
  request.bypass_proxy = true;
  return client.post(request, {});
}

TEST(Http, BodyStatusAndHeadersArrive) {
  const HttpServer server = server_of([](const std::string& body) {
    return HttpAnswer{.status = 418, .body = body + body, .content_type = "text/plain", .headers = {{"X-Name", "value"}}};
  });
  const HttpReply reply = post(server, "/path", "ab");
  EXPECT_EQ(reply.outcome, HttpOutcome::answered);
  EXPECT_EQ(reply.status, 418);
  EXPECT_EQ(reply.body, "abab");
  EXPECT_EQ(reply.headers.at("x-name"), "value");
  EXPECT_EQ(reply.headers.at("content-type"), "text/plain");
}

TEST(Http, WhatHasNoRouteIsAnsweredToo) {
  const HttpServer server = server_of([](const std::string&) { return HttpAnswer{}; });
  const HttpReply reply = post(server, "/other", "");
  EXPECT_EQ(reply.status, 404);
  EXPECT_EQ(reply.body, "nothing here");
}

TEST(Http, ConnectionThatEndsInsideTheReply) {
  const HttpServer server = server_of([](const std::string&) { return HttpAnswer{.body = "abcd", .drop_after = 2}; });
  EXPECT_EQ(post(server, "/path", "").outcome, HttpOutcome::dropped);
}

TEST(Http, OneOwnerAPort) {
  const HttpServer server = server_of([](const std::string&) { return HttpAnswer{}; });
  EXPECT_THROW(server_of([](const std::string&) { return HttpAnswer{}; }, server.port()), Error);
}

}  // namespace
}  // namespace iteralign
