#include "fence-agents/redfish/curl_http.h"

#include <curl/curl.h>

#include <algorithm>
#include <cerrno>

#include "base/text.h"
#include "fence-agents/agent/resolve.h"
#include "fence-agents/agent/run_program.h"
#include "fence-agents/agent/spec.h"

namespace fencepost::redfish {
namespace {

using agent::BoottimeNow;
using agent::Cause;
using agent::Failed;
using agent::Failure;
using agent::Phase;

struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using List = std::unique_ptr<curl_slist, FreeList>;

void Append(List* list, const std::string& line) {
  list->reset(curl_slist_append(list->release(), line.c_str()));
}

std::size_t TakeBody(char* data, std::size_t size, std::size_t count, void* to) {
  auto* body = static_cast<std::string*>(to);
  if (body->size() + size * count > kMaxBody) return 0;
  body->append(data, size * count);
  return size * count;
}

std::size_t TakeHeader(char* data, std::size_t size, std::size_t count, void* to) {
  constexpr std::size_t kMaxHeaders = 100;
  auto* headers = static_cast<std::map<std::string, std::string>*>(to);
  const std::string_view line(data, size * count);
  const auto colon = line.find(':');
  if (line.starts_with("HTTP/")) headers->clear();
  if (colon != std::string_view::npos && headers->size() < kMaxHeaders) {
    (*headers)[agent::LowerCase(Trim(line.substr(0, colon)))] = Trim(line.substr(colon + 1));
  }
  return size * count;
}

class CurlHttp : public Http {
 public:
  explicit CurlHttp(CurlSettings settings)
      : s_(std::move(settings)), name_(Cat("BMC ", agent::OneLine(s_.host), ":", s_.port)) {}
  ~CurlHttp() override {
    if (curl_ != nullptr) curl_easy_cleanup(curl_);
  }
  CurlHttp(const CurlHttp&) = delete;
  CurlHttp& operator=(const CurlHttp&) = delete;

  std::string Name() const override { return name_; }

  Result<HttpResponse, Failure> Do(const HttpRequest& request, MonoTime deadline) override {
    const auto ready = Prepare(deadline);
    if (!ready) return ready.error();
    HttpResponse out;
    List headers;
    Append(&headers, "Accept: application/json");
    Append(&headers, "OData-Version: 4.0");
    Append(&headers, "Expect:");
    if (!request.body.empty()) Append(&headers, "Content-Type: application/json");
    if (!request.token.empty()) Append(&headers, Cat("X-Auth-Token: ", request.token));
    const std::string host =
        s_.host.find(':') == std::string::npos ? s_.host : Cat("[", s_.host, "]");
    const std::string url = Cat(s_.tls ? "https://" : "http://", host, ":", s_.port, request.path);
    curl_easy_setopt(curl_, CURLOPT_URL, url.c_str());
    curl_easy_setopt(curl_, CURLOPT_HTTPHEADER, headers.get());
    curl_easy_setopt(curl_, CURLOPT_WRITEDATA, &out.body);
    curl_easy_setopt(curl_, CURLOPT_HEADERDATA, &out.headers);
    curl_easy_setopt(curl_, CURLOPT_HTTPGET, 1L);
    if (request.method == "POST") {
      curl_easy_setopt(curl_, CURLOPT_POST, 1L);
      curl_easy_setopt(curl_, CURLOPT_POSTFIELDSIZE, static_cast<long>(request.body.size()));
      curl_easy_setopt(curl_, CURLOPT_POSTFIELDS, request.body.c_str());
    }
    curl_easy_setopt(curl_, CURLOPT_CUSTOMREQUEST, request.method == "DELETE" ? "DELETE" : nullptr);
    curl_easy_setopt(curl_, CURLOPT_USERNAME,
                     request.with_password ? s_.username.c_str() : nullptr);
    curl_easy_setopt(curl_, CURLOPT_PASSWORD,
                     request.with_password ? s_.password.c_str() : nullptr);
    const Duration left = std::min(deadline - BoottimeNow(), s_.answer_limit + s_.connect_limit);
    curl_easy_setopt(curl_, CURLOPT_TIMEOUT_MS, std::max<long>(1, ToMillis(left)));
    curl_easy_setopt(curl_, CURLOPT_CONNECTTIMEOUT_MS,
                     std::max<long>(1, ToMillis(std::min(left, s_.connect_limit))));
    const CURLcode code = curl_easy_perform(curl_);
    if (code != CURLE_OK) return Explain(code);
    curl_easy_getinfo(curl_, CURLINFO_RESPONSE_CODE, &out.status);
    return out;
  }

 private:
  Result<Ok, Failure> Prepare(MonoTime deadline) {
    if (curl_ != nullptr) return Ok{};
    const auto address = agent::Resolve(s_.host, s_.port, name_, deadline);
    if (!address) return address.error();
    Append(&addresses_, Cat(s_.host, ":", s_.port, ":", address->numeric));
    curl_global_init(CURL_GLOBAL_DEFAULT);
    curl_ = curl_easy_init();
    if (curl_ == nullptr) {
      return Failed(Phase::kConnect, Cause::kLocalProblem, name_, "libcurl cannot be started");
    }
    curl_easy_setopt(curl_, CURLOPT_RESOLVE, addresses_.get());
    curl_easy_setopt(curl_, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl_, CURLOPT_PROXY, "");
    curl_easy_setopt(curl_, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl_, CURLOPT_PROTOCOLS_STR, s_.tls ? "https" : "http");
    curl_easy_setopt(curl_, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
    curl_easy_setopt(curl_, CURLOPT_SSL_VERIFYPEER, s_.verify ? 1L : 0L);
    curl_easy_setopt(curl_, CURLOPT_SSL_VERIFYHOST, s_.verify ? 2L : 0L);
    if (!s_.ca_file.empty()) {
      curl_easy_setopt(curl_, CURLOPT_CAINFO, s_.ca_file.c_str());
      curl_easy_setopt(curl_, CURLOPT_CAPATH, nullptr);
    }
    curl_easy_setopt(curl_, CURLOPT_WRITEFUNCTION, TakeBody);
    curl_easy_setopt(curl_, CURLOPT_HEADERFUNCTION, TakeHeader);
    curl_easy_setopt(curl_, CURLOPT_TCP_NODELAY, 1L);
    return Ok{};
  }

  [[nodiscard]] Failure Explain(CURLcode code) const {
    long reason = 0;
    curl_easy_getinfo(curl_, CURLINFO_OS_ERRNO, &reason);
    switch (code) {
      case CURLE_COULDNT_CONNECT:
        if (reason == ECONNREFUSED) {
          return Failed(Phase::kConnect, Cause::kRefused, name_, "nothing listens on this port",
                        "check ipport, and that the service is enabled on the BMC");
        }
        return Failed(Phase::kConnect, Cause::kUnreachable, name_, "cannot be reached",
                      "check ip and ipport and the cable");
      case CURLE_PEER_FAILED_VERIFICATION:
        return Failed(Phase::kAuth, Cause::kRefused, name_,
                      "shows a certificate that is not trusted, or is for another name",
                      "give its certificate or CA by ssl_ca_file, and the name it bears by ip");
      case CURLE_SSL_CACERT_BADFILE:
        return Failed(Phase::kAuth, Cause::kLocalProblem, agent::OneLine(s_.ca_file),
                      "has no certificate that can be read", "check ssl_ca_file");
      case CURLE_SSL_CONNECT_ERROR:
        return Failed(Phase::kConnect, Cause::kRefused, name_, "does not speak TLS as we do",
                      "check ipport and ssl");
      case CURLE_WRITE_ERROR:
        return Failed(Phase::kVerify, Cause::kUnclear, name_,
                      Cat("answers more than ", kMaxBody, " bytes"), "check redfish_uri", true);
      default:
        return Failed(Phase::kConnect, Cause::kUnreachable, name_,
                      Cat("gives no answer (libcurl code ", static_cast<int>(code), ")"),
                      "check the network and the BMC", true);
    }
  }

  CurlSettings s_;
  std::string name_;
  List addresses_;
  CURL* curl_ = nullptr;
};

}  // namespace

std::unique_ptr<Http> MakeCurlHttp(CurlSettings settings) {
  return std::make_unique<CurlHttp>(std::move(settings));
}

}  // namespace fencepost::redfish
