package byo.frontend;

import com.amazonaws.ml.mms.util.JsonUtils;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.util.CharsetUtil;

/** Reads in passing what a model is loaded as; changes nothing, answers nothing. */
final class LoadWatch extends ChannelInboundHandlerAdapter {

    private static final int LONGEST_DOCUMENT = 64 * 1024;

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) throws Exception {
        if (message instanceof FullHttpRequest) {
            FullHttpRequest request = (FullHttpRequest) message;
            Target target = request.decoderResult().isSuccess() ? Target.of(request) : null;
            if (target != null && target.isManagement()) {
                note(request, target);
            }
        }
        context.fireChannelRead(message);
    }

    private static void note(FullHttpRequest request, Target target) {
        String managed = target.managedModel();
        if (HttpMethod.DELETE.equals(request.method()) && managed != null) {
            TargetModels.unloading(managed);
            Backlog.forget(managed);
        } else if (HttpMethod.POST.equals(request.method()) && managed == null) {
            String name = nameIn(request, target);
            if (name != null) {
                TargetModels.loading(name, request.headers().get(TargetModels.HEADER));
            }
        }
    }

    private static String nameIn(FullHttpRequest request, Target target) {
        int length = request.content().readableBytes();
        if (length == 0 || length > LONGEST_DOCUMENT) {
            return target.parameter("model_name");
        }
        try {
            String text = request.content().toString(CharsetUtil.UTF_8);
            JsonObject document = JsonUtils.GSON.fromJson(text, JsonObject.class);
            JsonElement name = document == null ? null : document.get("model_name");
            return name != null && name.isJsonPrimitive() ? name.getAsString() : null;
        } catch (JsonParseException error) {
            return null;
        }
    }
}
