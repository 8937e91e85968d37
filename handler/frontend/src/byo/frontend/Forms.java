package byo.frontend;

import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpUtil;
import java.util.Locale;

/**
 * Refuses forms, which the frontend would take apart before a model sees them.
 *
 * <p>Its decoder bounds neither the number of fields nor the time for them (CVE-2024-29025). Where
 * models are managed it decodes none: there a form without a body passes, as
 * {@code curl -d '' '.../models?url=...'} sends one.
 */
final class Forms {

    private static final String MULTIPART = "multipart/form-data";
    private static final String ENCODED = "application/x-www-form-urlencoded";

    private Forms() {}

    /** The answer to a form, or null if the request is none. */
    static Answer refusal(HttpRequest request, Target target) {
        String form = formOf(request);
        if (form == null || !(target.isInvocation() || hasBody(request))) {
            return null;
        }
        String instead = target.isManagement()
                ? "give the values as query parameters, or as application/json"
                : "send the data itself as the body, such as text/csv or application/json";
        return Answer.problem(
                HttpResponseStatus.UNSUPPORTED_MEDIA_TYPE,
                "content type '" + form + "' is not read here: " + instead);
    }

    /** Which kind of form a request is, or null. */
    private static String formOf(HttpRequest request) {
        // All of them: the frontend takes the first, another one a proxy before it.
        for (String value : request.headers().getAll(HttpHeaderNames.CONTENT_TYPE)) {
            String type = value.trim().toLowerCase(Locale.ROOT);
            // The frontend looks at the beginning alone for the one, up to ';' for the other.
            if (type.startsWith(MULTIPART)) {
                return MULTIPART;
            }
            if (type.split(";", 2)[0].trim().equals(ENCODED)) {
                return ENCODED;
            }
        }
        return null;
    }

    static boolean hasBody(HttpRequest request) {
        return HttpUtil.isTransferEncodingChunked(request)
                || !"0".equals(request.headers().get(HttpHeaderNames.CONTENT_LENGTH, "0").trim());
    }
}
