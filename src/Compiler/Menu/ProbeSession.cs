using System.Runtime.InteropServices;
using Lorq.Calibration;
using Lorq.Models;
using Lorq.Onnx;
using Lorq.Sites;
using Microsoft.ML.OnnxRuntime;

namespace Lorq.Menu;

/// <summary>
/// The original model with every site's weight open to replacement: weights become initializers that are also graph inputs, so
/// one ONNX Runtime session answers what happens when any of them changes, and loading happens once.
/// </summary>
public sealed class ProbeSession : IDisposable
{
    private readonly Dictionary<string, IReadOnlyList<Port>> ports = new(StringComparer.Ordinal);
    private readonly ModelRunner runner;
    private readonly string folder;

    /// <summary>Opens a session.</summary>
    /// <param name="model">The original model.</param>
    /// <param name="sites">Sites whose weights can be replaced.</param>
    /// <param name="threads">Threads inside one operator; 0 for one per core.</param>
    /// <param name="cancellationToken">Stops.</param>
    public ProbeSession(OnnxModel model, IReadOnlyList<Site> sites, int threads, CancellationToken cancellationToken)
    {
        folder = Directory.CreateTempSubdirectory("lorq-probe-").FullName;
        try
        {
            using OnnxModel probe = model.Clone();
            probe.Proto.IrVersion = Math.Max(probe.Proto.IrVersion, 4);
            foreach (Site site in sites)
            {
                cancellationToken.ThrowIfCancellationRequested();
                ports.Add(site.Name, Open(probe, model, site));
            }
            probe.Invalidate();
            string path = Path.Combine(folder, "probe.onnx");
            probe.Save(path, null, cancellationToken);
            runner = new ModelRunner(path, threads);
        }
        catch
        {
            Directory.Delete(folder, true);
            throw;
        }
    }

    /// <summary>The model's outputs.</summary>
    public IReadOnlyList<TensorSignature> Outputs => runner.Outputs;

    /// <summary>The values a site's weight is replaced by, ready to feed.</summary>
    /// <param name="site">The site.</param>
    /// <param name="view">Row-major K×N.</param>
    public IReadOnlyDictionary<string, DataTensor> Replacement(Site site, float[] view)
    {
        var fed = new Dictionary<string, DataTensor>(StringComparer.Ordinal);
        foreach (Port port in ports[site.Name])
        {
            float[] stored = Site.FromView(view, site.K, site.N, site.Groups, port.Layout);
            fed[port.Input] = new DataTensor(port.ElementType, port.Shape, ToBytes(stored, port.ElementType));
        }
        return fed;
    }

    /// <summary>Runs a batch with some weights replaced.</summary>
    public IDisposableReadOnlyCollection<Microsoft.ML.OnnxRuntime.OrtValue> Run(
        IReadOnlyDictionary<string, DataTensor> batch,
        IReadOnlyDictionary<string, DataTensor> replacements,
        CancellationToken cancellationToken
    )
    {
        var inputs = new Dictionary<string, DataTensor>(batch, StringComparer.Ordinal);
        foreach ((string name, DataTensor value) in replacements)
        {
            inputs[name] = value;
        }
        return runner.Run(inputs, null, cancellationToken);
    }

    /// <inheritdoc />
    public void Dispose()
    {
        runner.Dispose();
        Directory.Delete(folder, true);
    }

    /// <summary>Gives every use of the site an overridable initializer in the layout that the use reads.</summary>
    private static List<Port> Open(OnnxModel probe, OnnxModel original, Site site)
    {
        var opened = new List<Port>();
        GraphProto graph = probe.Proto.Graph;
        for (int u = 0; u < site.Uses.Count; u++)
        {
            SiteUse use = site.Uses[u];
            int index = original.Proto.Graph.Node.IndexOf(use.Use.Node);
            NodeProto node = graph.Node[index];
            string name = $"lorq_probe_{graph.Initializer.Count}";
            ConstantTensor constant = use.Use.Scope.Constant(use.Use.Node.Input[use.Use.Index])!;
            long[] shape = [.. constant.Shape];
            var tensor = new TensorProto { Name = name, DataType = (int)constant.ElementType };
            tensor.Dims.AddRange(shape);
            probe.Attach(
                tensor,
                constant.Chain.Count == 0 ? original.ReadBytes(constant.Origin) : ToBytes(constant.ReadFloats(), constant.ElementType)
            );
            graph.Initializer.Add(tensor);
            var type = new TypeProto.Types.Tensor { ElemType = (int)constant.ElementType, Shape = new TensorShapeProto() };
            type.Shape.Dim.AddRange(shape.Select(d => new TensorShapeProto.Types.Dimension { DimValue = d }));
            graph.Input.Add(
                new ValueInfoProto
                {
                    Name = name,
                    Type = new TypeProto { TensorType = type },
                }
            );
            node.Input[use.Use.Index] = name;
            opened.Add(new Port(name, shape, constant.ElementType, use.Layout));
        }
        return opened;
    }

    private static byte[] ToBytes(float[] values, TensorProto.Types.DataType type)
    {
        switch (type)
        {
            case TensorProto.Types.DataType.Float:
                return MemoryMarshal.AsBytes(values.AsSpan()).ToArray();
            case TensorProto.Types.DataType.Float16:
                var half = new Half[values.Length];
                System.Numerics.Tensors.TensorPrimitives.ConvertToHalf(values, half);
                return MemoryMarshal.AsBytes(half.AsSpan()).ToArray();
            default:
                var bytes = new byte[values.Length * 2];
                for (int i = 0; i < values.Length; i++)
                {
                    // bf16: the upper half of fp32, rounded to nearest even.
                    uint bits = BitConverter.SingleToUInt32Bits(values[i]);
                    ushort rounded = (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
                    System.Buffers.Binary.BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(2 * i), rounded);
                }
                return bytes;
        }
    }

    private sealed record Port(string Input, long[] Shape, TensorProto.Types.DataType ElementType, WeightLayout Layout);
}
