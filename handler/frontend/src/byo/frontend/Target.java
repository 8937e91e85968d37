package byo.frontend;

import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.QueryStringDecoder;
import io.netty.util.concurrent.FastThreadLocal;
import java.util.List;

/** What a request is for, read from its path as the frontend reads it. */
final class Target {

    /** The last one of each thread: several handlers ask in turn for that of one request. */
    private static final FastThreadLocal<Target> LAST = new FastThreadLocal<>();

    private final String uri;
    private final String[] parts;
    private final QueryStringDecoder address;

    private Target(String uri, String[] parts, QueryStringDecoder address) {
        this.uri = uri;
        this.parts = parts;
        this.address = address;
    }

    /** The target of a request, or null if its path can't be read, as the frontend will say. */
    static Target of(HttpRequest request) {
        String uri = request.uri();
        Target last = LAST.get();
        if (last != null && last.uri == uri) { // the same object, not only an equal text
            return last;
        }
        try {
            QueryStringDecoder address = new QueryStringDecoder(uri);
            Target target = new Target(uri, address.path().split("/"), address);
            LAST.set(target);
            return target;
        } catch (IllegalArgumentException error) {
            return null;
        }
    }

    boolean isPing() {
        return first().equals("ping");
    }

    boolean isExecutionParameters() {
        return parts.length == 2 && first().equals("execution-parameters");
    }

    boolean isMetrics() {
        return parts.length == 2 && first().equals("metrics");
    }

    /** Whether models are listed, loaded, described or unloaded. */
    boolean isManagement() {
        return parts.length < 4 && first().equals("models") && !isLegacyPrediction();
    }

    /** Whether it is an invocation, for which the frontend decodes forms. */
    boolean isInvocation() {
        return first().equals("invocations")
                || first().equals("predictions")
                || (first().equals("models") && parts.length > 3)
                || isLegacyPrediction();
    }

    /** The model that is to be invoked, if the request names one. */
    String invokedModel() {
        switch (first()) {
            case "invocations":
                return parameter("model_name");
            case "predictions":
                return part(2);
            case "models":
                return parts.length > 3 ? part(2) : null;
            default:
                return isLegacyPrediction() ? first() : null;
        }
    }

    /** The model that is to be described, scaled or unloaded, if the request names one. */
    String managedModel() {
        return isManagement() ? part(2) : null;
    }

    String parameter(String name) {
        List<String> values = address.parameters().get(name);
        return values == null || values.isEmpty() ? null : values.get(0);
    }

    private String first() {
        return parts.length > 1 ? parts[1] : "";
    }

    private String part(int index) {
        return parts.length > index ? parts[index] : null;
    }

    /** /NAME/predict, which the frontend still takes. */
    private boolean isLegacyPrediction() {
        return parts.length == 3 && parts[2].equals("predict");
    }
}
