package byo.frontend;

import com.amazonaws.ml.mms.util.JsonUtils;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPromise;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.util.CharsetUtil;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.UUID;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.MDC;

/**
 * The requests of one connection by name: a client's own name for a request goes with it to the
 * model and back, and one that fails here is a line of the log under its name.
 *
 * <p>What a model's process answers with an error is in the log already, as a header says, which is
 * taken off. Pings are not logged: when they begin to fail and when they end to is.
 */
final class RequestLog extends ChannelDuplexHandler {

    /** Names a request, in both directions. */
    static final String ID = "x-request-id";

    /** In an answer of the guard's own: why, for the log alone. */
    static final String CAUSE = "x-byo-cause";

    private static final String TOLD = "x-byo-told";
    private static final String INFERENCE_ID = "X-Amzn-SageMaker-Inference-Id";
    private static final String[] CLIENTS_IDS = {INFERENCE_ID, ID, "X-Amzn-RequestId"};
    private static final int LONGEST_ID = 128;
    private static final int LONGEST_PATH = 200;
    private static final int LONGEST_CAUSE = 500;
    private static final int LONGEST_DOCUMENT = 64 * 1024;
    private static final Pattern UNPRINTABLE = Pattern.compile("[^\\x20-\\x7e]");
    private static final Logger LOG = LoggerFactory.getLogger(RequestLog.class);

    /** What is known of a request that is not answered. */
    private static final class Asked {

        final String id; // a client's own; null where it gave none
        final boolean namesInference;
        private final HttpMethod method;
        private final String uri;

        Asked(HttpRequest request) {
            method = request.method();
            uri = request.uri();
            id = idOf(request.headers());
            namesInference = id != null && request.headers().contains(INFERENCE_ID);
        }

        boolean isPing() {
            return path().equals("/ping");
        }

        /** Method and path; what is after the path is the client's own affair. */
        String what() {
            return printable(method + " " + path(), LONGEST_PATH);
        }

        private String path() {
            return uri.split("\\?", 2)[0];
        }
    }

    private final Deque<Asked> underWay = new ArrayDeque<>();

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        if (message instanceof HttpRequest) {
            HttpRequest request = (HttpRequest) message;
            Asked asked = new Asked(request);
            underWay.add(asked);
            request.headers().remove(CAUSE);
            if (asked.id != null) {
                request.headers().set(ID, asked.id);
            } else {
                request.headers().remove(ID);
            }
        }
        context.fireChannelRead(message);
    }

    @Override
    public void write(ChannelHandlerContext context, Object message, ChannelPromise promise) {
        if (message instanceof HttpResponse) {
            HttpResponse response = (HttpResponse) message;
            // What comes before the answer itself, such as 100, is none.
            if (response.status().code() >= HttpResponseStatus.OK.code()) {
                answered(underWay.poll(), response);
            }
        }
        context.write(message, promise);
    }

    private static void answered(Asked asked, HttpResponse response) {
        HttpHeaders headers = response.headers();
        boolean isTold = headers.contains(TOLD);
        String cause = headers.get(CAUSE);
        headers.remove(TOLD).remove(CAUSE);
        if (asked != null && asked.id != null) {
            headers.set(ID, asked.id);
            if (asked.namesInference) {
                headers.set(INFERENCE_ID, asked.id);
            }
        }
        int status = response.status().code();
        if (status < HttpResponseStatus.BAD_REQUEST.code() || isTold) {
            return;
        }
        if (asked == null || !asked.isPing()) {
            tell(asked, response, cause != null ? cause : causeIn(response));
        }
    }

    private static void tell(Asked asked, HttpResponse response, String cause) {
        String id = response.headers().get(ID);
        if (id == null) { // refused before the frontend has given it one
            id = UUID.randomUUID().toString();
            response.headers().set(ID, id);
        }
        MDC.put("request_id", id);
        try {
            String line = response.status().code() + " " + (asked == null ? "" : asked.what()) + ": "
                    + printable(cause, LONGEST_CAUSE);
            if (response.status().code() >= HttpResponseStatus.INTERNAL_SERVER_ERROR.code()) {
                LOG.error(line);
            } else {
                LOG.info(line);
            }
        } finally {
            MDC.remove("request_id");
        }
    }

    /** What the frontend says in its errors; else what the status stands for. */
    private static String causeIn(HttpResponse response) {
        if (response instanceof FullHttpResponse) {
            FullHttpResponse full = (FullHttpResponse) response;
            int length = full.content().readableBytes();
            if (length > 0 && length <= LONGEST_DOCUMENT) {
                try {
                    String text = full.content().toString(CharsetUtil.UTF_8);
                    JsonObject document = JsonUtils.GSON.fromJson(text, JsonObject.class);
                    JsonElement said = document == null ? null : document.get("message");
                    said = said == null && document != null ? document.get("detail") : said;
                    if (said != null && said.isJsonPrimitive()) {
                        return said.getAsString();
                    }
                } catch (JsonParseException error) {
                    return response.status().reasonPhrase();
                }
            }
        }
        if (HttpResponseStatus.REQUEST_ENTITY_TOO_LARGE.equals(response.status())) {
            return "the body is larger than SAGEMAKER_MAX_PAYLOAD_IN_MB allows";
        }
        return response.status().reasonPhrase();
    }

    /** What a client calls its request, as it may be shown; null where it does not say. */
    private static String idOf(HttpHeaders headers) {
        for (String name : CLIENTS_IDS) {
            String value = headers.get(name);
            if (value != null && !value.trim().isEmpty()) {
                return printable(value.trim(), LONGEST_ID);
            }
        }
        return null;
    }

    /** Text as one line of ASCII, and never long. */
    private static String printable(String text, int longest) {
        String shown = UNPRINTABLE.matcher(text).replaceAll("?");
        return shown.length() <= longest ? shown : shown.substring(0, longest - 3) + "...";
    }
}
