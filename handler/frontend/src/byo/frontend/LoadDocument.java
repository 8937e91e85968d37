package byo.frontend;

import com.amazonaws.ml.mms.http.messages.RegisterModelRequest;
import com.amazonaws.ml.mms.util.JsonUtils;
import com.google.gson.JsonParseException;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.util.CharsetUtil;

/** A LOAD's document that the frontend can't read: 400, where the frontend itself says 500. */
final class LoadDocument {

    private LoadDocument() {}

    /** The answer to a LOAD whose body is not what its content type says, or null. */
    static Answer refusal(FullHttpRequest request, Target target) {
        boolean isLoad = target.isManagement()
                && target.managedModel() == null
                && HttpMethod.POST.equals(request.method());
        CharSequence type = isLoad ? HttpUtil.getMimeType(request) : null;
        if (!HttpHeaderValues.APPLICATION_JSON.contentEqualsIgnoreCase(type)) {
            return null; // the frontend reads its query then
        }
        try {
            String text = request.content().toString(CharsetUtil.UTF_8);
            if (JsonUtils.GSON.fromJson(text, RegisterModelRequest.class) != null) {
                return null;
            }
        } catch (JsonParseException | NumberFormatException error) {
            return refusal();
        }
        return refusal();
    }

    private static Answer refusal() {
        return Answer.problem(
                HttpResponseStatus.BAD_REQUEST,
                "the body must be a JSON object such as"
                        + " {\"model_name\": \"NAME\", \"url\": \"/path/of/the/model\"}");
    }
}
