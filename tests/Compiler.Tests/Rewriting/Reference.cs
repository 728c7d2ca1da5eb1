using System.Runtime.InteropServices;
using Lorq.Calibration;
using Lorq.Models;
using Lorq.Onnx;
using Lorq.Quantization;
using Lorq.Rewriting;
using Lorq.Sites;
using Microsoft.ML.OnnxRuntime;

namespace Lorq.Tests.Rewriting;

/// <summary>The original graph with the values that a compressed weight stands for in place of the weight, run by ONNX Runtime.</summary>
internal static class Reference
{
    public static WeightShape Shape(CompressedWeight weight) =>
        new(weight.Encoding, [.. weight.Segments.Select(s => (s.Grid, s.N))], weight.Factors?.Shape);

    /// <summary>Switches off what ONNX Runtime does to activations by default where it fuses DequantizeLinear and MatMul.</summary>
    public static void ExactActivations(SessionOptions options) =>
        options.AddSessionConfigEntry("session.qdq_matmulnbits_accuracy_level", "0");

    /// <summary>Rewrites, saves and checks that the file has the announced size.</summary>
    public static string Write(
        string folder,
        OnnxModel model,
        IEmission emission,
        IReadOnlyList<CompressedWeight> weights,
        out long written,
        int slack = 64
    )
    {
        using OnnxModel rewritten = emission.Rewrite(model, weights, CancellationToken.None);
        string path = Path.Combine(folder, Path.GetRandomFileName() + ".onnx");
        written = rewritten.Save(path);
        Assert.Equal(new FileInfo(path).Length, written);
        long predicted = model.FileBytes + emission.PlanBytesDelta(model, [.. weights.Select(w => (w.Site, Shape(w)))]);
        Assert.InRange(predicted - written, -slack, slack);
        return path;
    }

    /// <summary>Saves the reference.</summary>
    public static string Save(string folder, OnnxModel model, IReadOnlyList<CompressedWeight> weights)
    {
        Dictionary<string, CompressedWeight> byName = weights.Where(w => w.Encoding is not Encoding.Keep).ToDictionary(w => w.Site.Name);
        using OnnxModel clone = model.Clone();
        foreach (NodeProto node in clone.Scopes[0].Nodes)
        {
            foreach (AttributeProto a in node.Attribute.Where(a => a.T is not null))
            {
                Set(a.T, node.Output[0]);
            }
        }
        foreach (TensorProto tensor in clone.Proto.Graph.Initializer)
        {
            Set(tensor, tensor.Name);
        }
        string path = Path.Combine(folder, Path.GetRandomFileName() + ".onnx");
        clone.Save(path);
        return path;

        void Set(TensorProto tensor, string name)
        {
            if (!byName.TryGetValue(name, out CompressedWeight? weight))
            {
                return;
            }
            Site site = weight.Site;
            float[] view = Values(weight);
            // A matrix may be stored as the transpose of what its reader sees.
            bool turned = site.Weight.Chain.Any(n => n.OpType == "Transpose");
            float[] stored =
                (site.Layout == WeightLayout.NByK) != turned
                    ? Samples.Transpose(view, site.K, site.N)
                    : new StorageOrder(false, site.Groups).Apply(view, site.K, site.N);
            tensor.ClearRawData();
            clone.Attach(
                tensor,
                tensor.DataType == (int)TensorProto.Types.DataType.Float16
                    ? MemoryMarshal.AsBytes<Half>([.. stored.Select(v => (Half)v)]).ToArray()
                    : MemoryMarshal.AsBytes<float>(stored).ToArray()
            );
        }
    }

    /// <summary>What the weight stands for, row-major K×N.</summary>
    public static float[] Values(CompressedWeight weight)
    {
        Site site = weight.Site;
        if (weight.Encoding is Encoding.Half)
        {
            return [.. site.ReadWeight().Select(v => (float)(Half)v)];
        }
        float[] view = weight.Factors is { } pair ? Samples.Product(pair) : new float[site.K * site.N];
        int start = 0;
        foreach (QuantizedMatrix segment in weight.Segments)
        {
            float[] part = Samples.Values(segment);
            for (int k = 0; k < site.K; k++)
            {
                for (int n = 0; n < segment.N; n++)
                {
                    view[(k * site.N) + start + n] += part[(k * segment.N) + n];
                }
            }
            start += segment.N;
        }
        return view;
    }

    /// <summary>Runs both and compares every output: the distance may be that share of the output's own size.</summary>
    public static void Compare(
        string reference,
        string path,
        Dictionary<string, DataTensor> feeds,
        double tolerance,
        Action<SessionOptions>? configure = null
    )
    {
        using var a = new ModelRunner(reference, 1);
        using var b = new ModelRunner(path, 1, configure);
        using IDisposableReadOnlyCollection<OrtValue> expected = a.Run(feeds);
        using IDisposableReadOnlyCollection<OrtValue> got = b.Run(feeds);
        Assert.Equal(expected.Count, got.Count);
        for (int i = 0; i < expected.Count; i++)
        {
            Assert.Equal(expected[i].GetTensorTypeAndShape().Shape, got[i].GetTensorTypeAndShape().Shape);
            Assert.Equal(a.Outputs[i].ElementType, b.Outputs[i].ElementType);
            float[] x = Floats(expected[i]);
            float[] y = Floats(got[i]);
            double scale = Math.Sqrt(x.Sum(v => (double)v * v));
            double distance = Math.Sqrt(x.Zip(y, (p, q) => Math.Pow(p - q, 2)).Sum());
            Assert.True(distance <= tolerance * scale, $"output {a.Outputs[i].Name}: {distance / scale}");
        }
    }

    /// <summary>The nodes that are left once ONNX Runtime has folded constants and fused nodes.</summary>
    public static IReadOnlyList<NodeProto> LoadedNodes(string path)
    {
        string optimized = path + ".optimized";
        using var options = new SessionOptions
        {
            OptimizedModelFilePath = optimized,
            GraphOptimizationLevel = GraphOptimizationLevel.ORT_ENABLE_EXTENDED,
            LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR,
        };
        using var session = new InferenceSession(path, options);
        return ModelProto.Parser.ParseFrom(File.ReadAllBytes(optimized)).Graph.Node;
    }

    private static float[] Floats(OrtValue value) =>
        value.GetTensorTypeAndShape().ElementDataType == Microsoft.ML.OnnxRuntime.Tensors.TensorElementType.Float16
            ? [.. MemoryMarshal.Cast<Float16, Half>(value.GetTensorDataAsSpan<Float16>()).ToArray().Select(h => (float)h)]
            : value.GetTensorDataAsSpan<float>().ToArray();
}
