package byo.frontend;

import com.amazonaws.ml.mms.http.Session;
import com.amazonaws.ml.mms.util.JsonUtils;
import com.google.gson.JsonObject;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.util.CharsetUtil;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What is answered here: logged as the frontend logs its own, under an id as it gives one. */
final class Answer {

    private static final Logger ACCESS_LOG = LoggerFactory.getLogger("ACCESS_LOG");

    private final HttpResponseStatus status;
    private final String contentType;
    private final JsonObject document; // null where the text stands as it is
    private final String text;
    private long retrySeconds; // 0 where nothing is said of it
    private String allowed; // the only method, where another one was used
    private boolean isLogged = true;

    private Answer(HttpResponseStatus status, String contentType, JsonObject document, String text) {
        this.status = status;
        this.contentType = contentType;
        this.document = document;
        this.text = text;
    }

    /** An error in the form that all of this server's errors have (RFC 9457). */
    static Answer problem(HttpResponseStatus status, String detail) {
        JsonObject document = new JsonObject();
        document.addProperty("type", "about:blank");
        document.addProperty("title", status.reasonPhrase());
        document.addProperty("status", status.code());
        document.addProperty("detail", detail);
        return new Answer(status, "application/problem+json", document, null);
    }

    /** The answer to a ping when the server is not well. */
    static Answer unhealthy(String reason) {
        JsonObject document = new JsonObject();
        document.addProperty("status", "Unhealthy");
        document.addProperty("reason", reason);
        return new Answer(
                HttpResponseStatus.SERVICE_UNAVAILABLE, "application/json", null, document + "\n");
    }

    static Answer json(String text) {
        return new Answer(HttpResponseStatus.OK, "application/json", null, text);
    }

    /** A text for a program that asks again and again, of which the log says nothing. */
    static Answer text(String contentType, String text) {
        return new Answer(HttpResponseStatus.OK, contentType, null, text).unlogged();
    }

    /** The answer to a method that the path does not have. */
    static Answer methodNotAllowed(HttpMethod used, HttpMethod allowed) {
        Answer answer =
                problem(
                        HttpResponseStatus.METHOD_NOT_ALLOWED,
                        "there is only " + allowed + " here, not " + used);
        answer.allowed = allowed.toString();
        return answer;
    }

    /** The same, without a line in the log. */
    private Answer unlogged() {
        isLogged = false;
        return this;
    }

    /** The same, saying after how many seconds to try again. */
    Answer retryAfter(long seconds) {
        retrySeconds = seconds;
        return this;
    }

    int code() {
        return status.code();
    }

    /** Answer a request whose body has come. */
    void send(ChannelHandlerContext context, HttpRequest request) {
        boolean closes = !HttpUtil.isKeepAlive(request);
        ChannelFuture sent = context.writeAndFlush(response(context.channel(), request, closes));
        if (closes) {
            sent.addListener(ChannelFutureListener.CLOSE);
        }
    }

    /** The response itself, with its cause for the log. */
    FullHttpResponse response(Channel channel, HttpRequest request, boolean closes) {
        Session session = new Session(String.valueOf(channel.remoteAddress()), request);
        session.setCode(status.code());
        if (isLogged) {
            ACCESS_LOG.info(session.toString());
        }
        String named = request.headers().get(RequestLog.ID);
        String id = named != null ? named : session.getRequestId();
        if (document != null) {
            document.addProperty("request_id", id);
        }
        FullHttpResponse response =
                new DefaultFullHttpResponse(
                        HttpVersion.HTTP_1_1,
                        status,
                        Unpooled.copiedBuffer(
                                document != null ? document.toString() : text, CharsetUtil.UTF_8));
        response.headers()
                .set(HttpHeaderNames.CONTENT_TYPE, contentType)
                .set(HttpHeaderNames.CACHE_CONTROL, "no-cache")
                .set(RequestLog.ID, id)
                .set(
                        HttpHeaderNames.CONNECTION,
                        closes ? HttpHeaderValues.CLOSE : HttpHeaderValues.KEEP_ALIVE);
        if (document != null) {
            String detail = document.get("detail").getAsString().replaceAll("\\p{Cntrl}", " ");
            response.headers().set(RequestLog.CAUSE, detail);
        }
        if (retrySeconds > 0) {
            response.headers().set(HttpHeaderNames.RETRY_AFTER, retrySeconds);
        }
        if (allowed != null) {
            response.headers().set(HttpHeaderNames.ALLOW, allowed);
        }
        HttpUtil.setContentLength(response, response.content().readableBytes());
        return response;
    }
}
