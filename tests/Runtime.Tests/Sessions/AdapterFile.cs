using System.Runtime.InteropServices;
using Google.FlatBuffers;

namespace Lorq.Runtime.Tests.Sessions;

/// <summary>Writes ONNX Runtime's adapter format (onnxruntime/lora/adapter_format/adapter_schema.fbs), field by field.</summary>
internal static class AdapterFile
{
    public static byte[] Of(params (string Name, float[] Values, long[] Dims)[] parameters)
    {
        const int Float = 1;
        var builder = new FlatBufferBuilder(1024);
        int[] tables = [.. parameters.Select(p => Parameter(builder, p.Name, p.Values, p.Dims, Float))];
        builder.StartVector(sizeof(int), tables.Length, sizeof(int));
        foreach (int table in tables.Reverse())
        {
            builder.AddOffset(table);
        }
        int list = builder.EndVector().Value;
        builder.StartTable(4);
        builder.AddInt(0, 1, 0); // format_version
        builder.AddInt(1, 1, 0); // adapter_version
        builder.AddInt(2, 1, 0); // model_version
        builder.AddOffset(3, list, 0);
        builder.Finish(builder.EndTable(), "TORT");
        return builder.SizedByteArray();
    }

    private static int Parameter(FlatBufferBuilder builder, string name, float[] values, long[] dims, int type)
    {
        int text = builder.CreateString(name).Value;
        builder.StartVector(sizeof(long), dims.Length, sizeof(long));
        foreach (long dim in dims.Reverse())
        {
            builder.AddLong(dim);
        }
        int shape = builder.EndVector().Value;
        byte[] bytes = MemoryMarshal.AsBytes(values.AsSpan()).ToArray();
        builder.StartVector(1, bytes.Length, 8);
        foreach (byte b in bytes.Reverse())
        {
            builder.AddByte(b);
        }
        int data = builder.EndVector().Value;
        builder.StartTable(4);
        builder.AddOffset(0, text, 0);
        builder.AddOffset(1, shape, 0);
        builder.AddInt(2, type, 0);
        builder.AddOffset(3, data, 0);
        return builder.EndTable();
    }
}
