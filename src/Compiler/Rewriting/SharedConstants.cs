using Lorq.Onnx;
using DataType = Lorq.Onnx.TensorProto.Types.DataType;

namespace Lorq.Rewriting;

/// <summary>Small constants (masks, shifts, shapes) that the chains of one scope share: one stored tensor per distinct content.</summary>
/// <param name="nextName">Gives a new tensor name.</param>
internal sealed class SharedConstants(Func<string> nextName)
{
    private readonly Dictionary<string, string> names = [];
    private readonly Dictionary<string, StoredTensor> byName = [];

    /// <summary>The stored tensors, in order of first use.</summary>
    public List<StoredTensor> Tensors { get; } = [];

    /// <summary>The constant of that name, or null.</summary>
    public StoredTensor? Find(string name) => byName.GetValueOrDefault(name);

    /// <summary>The name of the constant with this content, stored at the first request.</summary>
    public string Get(DataType type, long[] dims, byte[] payload)
    {
        string key = $"{type}[{string.Join(',', dims)}]{Convert.ToHexString(payload)}";
        if (!names.TryGetValue(key, out string? name))
        {
            name = nextName();
            names.Add(key, name);
            var header = new TensorProto { Name = name, DataType = (int)type };
            header.Dims.AddRange(dims);
            var tensor = new StoredTensor(header, payload.Length, () => payload);
            Tensors.Add(tensor);
            byName[name] = tensor;
        }
        return name;
    }
}
